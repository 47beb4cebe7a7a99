package outcome

import "golang.org/x/sys/windows"

// On Windows sockets fail with Winsock's numbers, which the syscall package's
// invented ones do not equal.
var (
	platformRefusals     = []error{windows.WSAECONNREFUSED, windows.WSAECONNRESET, windows.WSAECONNABORTED}
	platformUnreachables = []error{windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAENETDOWN, windows.WSAEHOSTDOWN}
	platformInUse        = []error{windows.WSAEADDRINUSE}
)
