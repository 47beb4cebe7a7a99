// Package outcome says how a run of the command ended: an exit code of one small
// table, and one line that says what is wrong and what to do about it. It knows the
// errors of the net package, so that every verb reports them alike.
package outcome

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// A Code is what the command exits with. The numbers are a promise to scripts.
type Code int

// The table of exit codes.
const (
	Yes          Code = 0   // it was done, or the answer is yes
	No           Code = 1   // the answer is no
	Usage        Code = 2   // wrong usage, or a failure on this machine
	NotPermitted Code = 3   // this user may not
	Timeout      Code = 4   // nothing came in time
	Refused      Code = 5   // the other side refused or reset
	Unreachable  Code = 6   // no way to the other side
	NoName       Code = 7   // no such host or interface
	Interrupted  Code = 130 // ended by the user
)

// String returns the name of the code, as the JSON output spells it.
func (c Code) String() string {
	switch c {
	case Yes:
		return "yes"
	case No:
		return "no"
	case Usage:
		return "failed"
	case NotPermitted:
		return "not permitted"
	case Timeout:
		return "timeout"
	case Refused:
		return "refused"
	case Unreachable:
		return "unreachable"
	case NoName:
		return "no such name"
	case Interrupted:
		return "interrupted"
	}
	return fmt.Sprintf("code %d", int(c))
}

// An Error is a failure with its code and a hint what to do.
type Error struct {
	Code Code
	What string // what is wrong
	Do   string // what to do about it; may be empty
	Err  error  // what caused it; may be nil
}

// Error returns what is wrong and, after a semicolon, what to do, in one line.
func (e *Error) Error() string {
	if e.Do == "" {
		return e.What
	}
	return e.What + "; " + e.Do
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failf makes an error of the given code from a sentence that says what is wrong.
func Failf(c Code, do, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: c, What: err.Error(), Do: do, Err: errors.Unwrap(err)}
}

// Of returns the code of an error, by what lies under it. Nil is Yes.
func Of(err error) Code {
	var own *Error
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return Yes
	case errors.As(err, &own):
		return own.Code
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &dns) && dns.IsNotFound:
		return NoName
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case isAny(err, refusals):
		return Refused
	case isAny(err, unreachables):
		return Unreachable
	case errors.Is(err, fs.ErrPermission):
		return NotPermitted
	}
	return Usage
}

// The system's own words for what the table says. EPIPE is what a writer sees after a
// reset, and ENOTCONN who ends its half of the connection then.
var (
	refusals     = append([]error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN}, platformRefusals...)
	unreachables = append([]error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN}, platformUnreachables...)
)

func isAny(err error, these []error) bool {
	for _, e := range these {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// InUse reports whether err says that an address is taken already.
func InUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || isAny(err, platformInUse)
}

// Cause returns the innermost words of an error, without the operation and the
// addresses that net.OpError wraps around them.
func Cause(err error) string {
	var sys syscall.Errno
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &sys):
		return sys.Error()
	case errors.As(err, &dns):
		return dns.Err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &op) && op.Err != nil:
		return Cause(op.Err)
	}
	return err.Error()
}
