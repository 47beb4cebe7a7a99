package octet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/tcp"
)

// Errors are those of package net on Unix: a *net.OpError around an
// *os.SyscallError around a syscall.Errno where the kernel would have said so,
// and around os.ErrDeadlineExceeded or net.ErrClosed where package net says so.

// errTimeout and errCanceled are what a Dial returns whose context has ended.
// Like those of package net they are also the errors of package context.
var (
	errTimeout  error = timeoutError{}
	errCanceled error = canceledError{}
)

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(err error) bool {
	return err == context.DeadlineExceeded || err == os.ErrDeadlineExceeded
}

type canceledError struct{}

func (canceledError) Error() string     { return "operation was canceled" }
func (canceledError) Is(err error) bool { return err == context.Canceled }

// contextError maps the error of a context to that of a Dial.
func contextError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return errCanceled
	}
	return err
}

// errnoOf returns what the kernel would say of a connection that ended for a
// reason of package tcp, or of a packet that package ip refused.
func errnoOf(err error) error {
	switch err := err.(type) {
	case tcp.Reason:
		return tcpErrno(err)
	case ip.Error:
		return ipErrno(err)
	}
	return err
}

func tcpErrno(r tcp.Reason) syscall.Errno {
	switch r {
	case tcp.ReasonRefused, tcp.ReasonPortUnreachable:
		return syscall.ECONNREFUSED
	case tcp.ReasonReset:
		return syscall.ECONNRESET
	case tcp.ReasonAborted:
		return syscall.ECONNABORTED
	case tcp.ReasonTimedOut:
		return syscall.ETIMEDOUT
	case tcp.ReasonNetUnreachable:
		return syscall.ENETUNREACH
	case tcp.ReasonHostUnreachable, tcp.ReasonProhibited:
		return syscall.EHOSTUNREACH
	case tcp.ReasonProtocolUnreachable:
		return syscall.ENOPROTOOPT
	case tcp.ReasonMessageTooBig:
		return syscall.EMSGSIZE
	case tcp.ReasonParameterProblem:
		return syscall.EPROTO
	}
	return syscall.ENOBUFS
}

func ipErrno(e ip.Error) syscall.Errno {
	switch e {
	case ip.ErrNoRoute:
		return syscall.ENETUNREACH
	case ip.ErrNoSource, ip.ErrNotOurs, ip.ErrNotFound:
		return syscall.EADDRNOTAVAIL
	case ip.ErrTooBig:
		return syscall.EMSGSIZE
	case ip.ErrNoInterface:
		return syscall.ENODEV
	case ip.ErrExists:
		return syscall.EEXIST
	}
	return syscall.EINVAL
}

// sysErr names the system call that would have failed, as package net does for errors of the kernel.
func sysErr(call string, err error) error {
	if no, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(call, no)
	}
	return err
}

// opErr makes the error of an operation. End of file stays what it is.
func opErr(op, network string, source, addr net.Addr, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: network, Source: source, Addr: addr, Err: err}
}
