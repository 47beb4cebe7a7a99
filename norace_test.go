//go:build !race

package octet

const raceEnabled = false
