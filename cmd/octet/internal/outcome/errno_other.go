//go:build !windows

package outcome

// Everywhere else the syscall package's numbers are the ones that sockets return.
var platformRefusals, platformUnreachables, platformInUse []error
