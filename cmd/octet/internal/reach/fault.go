package reach

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// A fault is an error on its way to another process of the same system, where it is
// the same to programs: a *net.OpError around the same errno, and so on.
type fault struct {
	Text   string       `json:"text"`
	Errno  int          `json:"errno,omitempty"`
	Call   string       `json:"call,omitempty"` // os.SyscallError
	Kind   string       `json:"kind,omitempty"` // of the errors that are known by their identity
	Op     string       `json:"op,omitempty"`   // net.OpError
	Net    string       `json:"net,omitempty"`
	Source string       `json:"source,omitempty"`
	Addr   string       `json:"addr,omitempty"`
	Name   string       `json:"name,omitempty"` // net.DNSError, NotFound or not
	Server string       `json:"server,omitempty"`
	Gone   bool         `json:"notfound,omitempty"`
	Code   outcome.Code `json:"code,omitempty"` // outcome.Error
	Do     string       `json:"do,omitempty"`
}

// known are the errors that programs compare with.
var known = map[string]error{
	"closed": net.ErrClosed, "deadline": os.ErrDeadlineExceeded, "canceled": context.Canceled, "late": context.DeadlineExceeded, "eof": io.EOF,
}

func faultOf(err error) fault {
	f := fault{Text: err.Error()}
	var op *net.OpError
	var call *os.SyscallError
	var errno syscall.Errno
	var dns *net.DNSError
	var own *outcome.Error
	if errors.As(err, &own) {
		return fault{Text: own.What, Code: own.Code, Do: own.Do}
	}
	if errors.As(err, &op) {
		f.Op, f.Net, f.Source, f.Addr, f.Text = op.Op, op.Net, addrText(op.Source), addrText(op.Addr), op.Err.Error()
	}
	if errors.As(err, &dns) {
		f.Text, f.Name, f.Server, f.Gone = dns.Err, dns.Name, dns.Server, dns.IsNotFound
	}
	if errors.As(err, &call) {
		f.Call = call.Syscall
	}
	if errors.As(err, &errno) {
		f.Errno = int(errno)
	}
	for kind, k := range known {
		if errors.Is(err, k) && (f.Kind == "" || kind < f.Kind) { // of two that are one another, always the same
			f.Kind = kind
		}
	}
	return f
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func readFault(b []byte) error {
	var f fault
	if err := json.Unmarshal(b, &f); err != nil {
		return errFrame
	}
	return f.error()
}

func (f *fault) error() error {
	var err error
	switch {
	case f.Code != 0:
		return &outcome.Error{Code: f.Code, What: f.Text, Do: f.Do}
	case f.Name != "":
		err = &net.DNSError{Err: f.Text, Name: f.Name, Server: f.Server, IsNotFound: f.Gone, IsTimeout: f.Kind == "deadline" || f.Kind == "late"}
	case f.Errno != 0 && f.Call != "":
		err = os.NewSyscallError(f.Call, syscall.Errno(f.Errno))
	case f.Errno != 0:
		err = syscall.Errno(f.Errno)
	case known[f.Kind] != nil:
		err = known[f.Kind]
	default:
		err = errors.New(f.Text)
	}
	if f.Op == "" || err == io.EOF {
		return err
	}
	return &net.OpError{Op: f.Op, Net: f.Net, Source: parseAddr(f.Net, f.Source), Addr: parseAddr(f.Net, f.Addr), Err: err}
}
