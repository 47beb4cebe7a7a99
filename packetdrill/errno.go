package packetdrill

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// errnos are the errors that scripts name.
var errnos = []struct {
	name string
	no   syscall.Errno
}{
	{"EACCES", syscall.EACCES}, {"EADDRINUSE", syscall.EADDRINUSE}, {"EADDRNOTAVAIL", syscall.EADDRNOTAVAIL},
	{"EAFNOSUPPORT", syscall.EAFNOSUPPORT}, {"EAGAIN", syscall.EAGAIN}, {"EALREADY", syscall.EALREADY},
	{"EBADF", syscall.EBADF}, {"ECONNABORTED", syscall.ECONNABORTED}, {"ECONNREFUSED", syscall.ECONNREFUSED},
	{"ECONNRESET", syscall.ECONNRESET}, {"EDESTADDRREQ", syscall.EDESTADDRREQ}, {"EFAULT", syscall.EFAULT},
	{"EHOSTUNREACH", syscall.EHOSTUNREACH}, {"EINPROGRESS", syscall.EINPROGRESS}, {"EINVAL", syscall.EINVAL},
	{"EISCONN", syscall.EISCONN}, {"EMSGSIZE", syscall.EMSGSIZE}, {"ENETUNREACH", syscall.ENETUNREACH},
	{"ENOBUFS", syscall.ENOBUFS}, {"ENOPROTOOPT", syscall.ENOPROTOOPT}, {"ENOTCONN", syscall.ENOTCONN},
	{"EOPNOTSUPP", syscall.EOPNOTSUPP}, {"EPIPE", syscall.EPIPE}, {"EPROTO", syscall.EPROTO},
	{"EPROTONOSUPPORT", syscall.EPROTONOSUPPORT}, {"ETIMEDOUT", syscall.ETIMEDOUT},
}

// errnoName returns what a script calls an error of a socket; empty for none.
func errnoName(err error) string {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return ""
	case errors.Is(err, net.ErrClosed):
		return "EBADF"
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		for _, e := range errnos {
			if e.no == no {
				return e.name
			}
		}
	}
	return err.Error()
}
