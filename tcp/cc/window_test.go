package cc

// names are the controls that every common test runs over.
var names = []string{"newreno"}
