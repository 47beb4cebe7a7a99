package outcome

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
)

func op(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want Code
	}{
		{"nothing", nil, Yes},
		{"unknown", errors.New("odd"), Usage},
		{"own", fmt.Errorf("send: %w", Failf(NoName, "", "no host")), NoName},
		{"own over cause", Failf(No, "", "differ: %w", op(syscall.ECONNREFUSED)), No},
		{"refused", op(syscall.ECONNREFUSED), Refused},
		{"reset", op(syscall.ECONNRESET), Refused},
		{"broken pipe", op(syscall.EPIPE), Refused},
		{"no route", op(syscall.EHOSTUNREACH), Unreachable},
		{"no network", op(syscall.ENETUNREACH), Unreachable},
		{"timed out", op(syscall.ETIMEDOUT), Timeout},
		{"deadline", op(os.ErrDeadlineExceeded), Timeout},
		{"context deadline", context.DeadlineExceeded, Timeout},
		{"interrupt", fmt.Errorf("x: %w", context.Canceled), Interrupted},
		{"name", &net.DNSError{Err: "no such host", IsNotFound: true}, NoName},
		{"name timeout", &net.DNSError{Err: "i/o timeout", IsTimeout: true}, Timeout},
		{"permission", op(syscall.EACCES), NotPermitted},
		{"file permission", &fs.PathError{Op: "open", Err: syscall.EACCES}, NotPermitted},
		{"no file", &fs.PathError{Op: "open", Err: syscall.ENOENT}, Usage},
		{"in use", op(syscall.EADDRINUSE), Usage},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%s: Of(%v) = %v, want %v", c.name, c.err, got, c.want)
		}
	}
}

func TestErrorIsOneLineWithAHint(t *testing.T) {
	err := Failf(Refused, "start a server", "refused by %s: %w", "::1", syscall.ECONNREFUSED)
	if got, want := err.Error(), "refused by ::1: connection refused; start a server"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the cause is lost")
	}
}

func TestInUse(t *testing.T) {
	if !InUse(op(syscall.EADDRINUSE)) || InUse(op(syscall.ECONNREFUSED)) {
		t.Error("InUse does not tell a taken address from another failure")
	}
}

func TestCause(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{op(syscall.ECONNREFUSED), "connection refused"},
		{&net.DNSError{Err: "no such host", Name: "x"}, "no such host"},
		{op(os.ErrDeadlineExceeded), "timed out"},
		{errors.New("odd"), "odd"},
		{op(&net.AddrError{Err: "missing port"}), "connect: missing port"},
	} {
		if got := Cause(c.err); got != c.want {
			t.Errorf("Cause(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
