package packetdrill

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/octet-net/octet"
)

// A maker turns a call of a script into something that can be tried, and tried
// again while it blocks. It fails where the script's arguments make no sense.
type maker func(r *run, c *Call) (func() outcome, error)

// makerOf returns the maker of a system call, nil if scripts cannot make it.
func makerOf(name string) maker {
	return map[string]maker{
		"socket":     (*run).socket,
		"bind":       onFile((*run).bind),
		"listen":     onFile(listen),
		"accept":     onFile((*run).accept),
		"accept4":    onFile((*run).accept),
		"connect":    onFile((*run).connect),
		"read":       onFile(receive),
		"recv":       onFile(receive),
		"recvfrom":   onFile(receive),
		"write":      onFile(send),
		"send":       onFile(send),
		"sendto":     onFile(send),
		"shutdown":   onFile(shutdown),
		"close":      (*run).closeFile,
		"fcntl":      onFile(fcntl),
		"ioctl":      onFile(ioctl),
		"setsockopt": onFile(setsockopt),
		"getsockopt": onFile(getsockopt),
		"poll":       (*run).poll,
	}[name]
}

// errBadFile is what every call says of a descriptor that is not open.
var errBadFile = syscall.EBADF

func fail(err error) outcome { return outcome{value: -1, err: err} }

func result(err error) outcome { return outcome{err: err} }

// onFile makes a call whose first argument is a descriptor.
func onFile(f func(r *run, f *file, c *Call) (func() outcome, error)) maker {
	return func(r *run, c *Call) (func() outcome, error) {
		if fdOf(c) < 0 {
			return nil, errors.New("the first argument is no descriptor")
		}
		at := r.files[fdOf(c)]
		if at == nil {
			return func() outcome { return fail(errBadFile) }, nil
		}
		return f(r, at, c)
	}
}

// arg evaluates an argument as a number.
func arg(c *Call, i int) (int64, error) {
	if i >= len(c.Args) {
		return 0, fmt.Errorf("argument %d is missing", i+1)
	}
	v, ok := number64(c.Args[i])
	if !ok {
		return 0, fmt.Errorf("argument %d, %v, is no number that is known here", i+1, c.Args[i])
	}
	return v, nil
}

// descriptor returns the number that the script expects for a new file.
func descriptor(c *Call) (int64, error) {
	n, ok := c.Result.(Int)
	if !ok {
		return 0, errors.New("say which descriptor it returns: = 3")
	}
	return n.V, nil
}

func (r *run) socket(c *Call) (func() outcome, error) {
	fd, err := descriptor(c)
	if err != nil {
		return nil, err
	}
	kind, err := arg(c, 1)
	if err != nil {
		return nil, err
	}
	if kind&0xf != constants["SOCK_STREAM"] {
		return nil, errors.New("only sockets of TCP are supported: SOCK_STREAM")
	}
	return func() outcome {
		s, err := r.host.Socket(r.network())
		if err != nil {
			return fail(err)
		}
		r.files[fd] = &file{sock: s, nonblock: kind&constants["SOCK_NONBLOCK"] != 0}
		return outcome{value: fd}
	}, nil
}

func (r *run) network() string {
	if r.flow.local.Addr().Is6() {
		return "tcp6"
	}
	return "tcp4"
}

func (r *run) bind(f *file, c *Call) (func() outcome, error) {
	return func() outcome {
		any := netip.IPv4Unspecified()
		if r.network() == "tcp6" {
			any = netip.IPv6Unspecified()
		}
		return result(f.sock.Bind(netip.AddrPortFrom(any, r.flow.local.Port())))
	}, nil
}

func listen(r *run, f *file, c *Call) (func() outcome, error) {
	backlog, err := arg(c, 1)
	return func() outcome { return result(f.sock.Listen(int(backlog))) }, err
}

func (r *run) accept(f *file, c *Call) (func() outcome, error) {
	fd := int64(-1)
	if n, ok := c.Result.(Int); ok {
		fd = n.V
	}
	return func() outcome {
		s, err := f.sock.Accept()
		if err != nil {
			return fail(err)
		}
		r.files[fd] = &file{sock: s}
		return outcome{value: fd}
	}, nil
}

// connect opens a connection to the far end. From then on the flow's local end is
// the socket's.
func (r *run) connect(f *file, c *Call) (func() outcome, error) {
	return func() outcome {
		if err := r.dial(f); err != nil {
			return fail(err)
		}
		return outcome{}
	}, nil
}

func (r *run) dial(f *file) error {
	err := f.sock.Connect(r.flow.remote)
	if local := f.sock.LocalAddr(); local.IsValid() && local.Port() != 0 {
		r.flow.local = netip.AddrPortFrom(r.flow.local.Addr(), local.Port())
	}
	return err
}

func receive(r *run, f *file, c *Call) (func() outcome, error) {
	n, err := arg(c, 2)
	if err != nil {
		return nil, err
	}
	var flags int64
	if len(c.Args) > 3 {
		if flags, err = arg(c, 3); err != nil {
			return nil, err
		}
	}
	if n < 0 || n > 1<<30 {
		return nil, fmt.Errorf("a buffer of %d octets", n)
	}
	buf := make([]byte, n)
	return func() outcome {
		var n int
		var err error
		if flags&constants["MSG_PEEK"] != 0 {
			n, err = f.sock.Peek(buf, 0)
		} else {
			n, err = f.sock.Recv(buf)
		}
		return outcome{value: int64(n), err: err, text: buf[:n]}
	}, nil
}

func send(r *run, f *file, c *Call) (func() outcome, error) {
	n, err := arg(c, 2)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > 1<<30 {
		return nil, fmt.Errorf("%d octets", n)
	}
	buf := make([]byte, n)
	if s, ok := c.Args[1].(Str); ok {
		copy(buf, s.S)
	}
	var flags int64
	if len(c.Args) > 3 {
		if flags, err = arg(c, 3); err != nil {
			return nil, err
		}
	}
	done, dials := 0, flags&constants["MSG_FASTOPEN"] != 0 // which connects, too
	return func() outcome {
		if dials {
			dials = false
			if err := errors.Join(f.sock.SetFastOpen(true), r.dial(f)); err != nil {
				return fail(err)
			}
		}
		put := f.sock.Send
		if flags&constants["MSG_OOB"] != 0 {
			put = f.sock.SendUrgent
		}
		n, err := put(buf[done:])
		done += n
		switch {
		case err == nil && done < len(buf) && !f.nonblock: // a blocking send returns when all is taken
			return fail(syscall.EAGAIN)
		case done > 0 && (err == nil || f.nonblock):
			return outcome{value: int64(done)}
		}
		return outcome{value: int64(n), err: err}
	}, nil
}

func shutdown(r *run, f *file, c *Call) (func() outcome, error) {
	how, err := arg(c, 1)
	if err != nil || how < 0 || how > 2 {
		return nil, errors.Join(err, errors.New("want SHUT_RD, SHUT_WR or SHUT_RDWR"))
	}
	d := [3]octet.Direction{octet.ShutRead, octet.ShutWrite, octet.ShutRead | octet.ShutWrite}[how]
	return func() outcome { return result(f.sock.Shutdown(d)) }, nil
}

func (r *run) closeFile(c *Call) (func() outcome, error) {
	fd := fdOf(c)
	return func() outcome {
		f := r.files[fd]
		if f == nil {
			return fail(errBadFile)
		}
		delete(r.files, fd)
		return result(f.sock.Close())
	}, nil
}

func fcntl(r *run, f *file, c *Call) (func() outcome, error) {
	what, err := arg(c, 1)
	if err != nil {
		return nil, err
	}
	switch what {
	case constants["F_GETFL"]:
		return func() outcome {
			v := constants["O_RDWR"]
			if f.nonblock {
				v |= constants["O_NONBLOCK"]
			}
			return outcome{value: v}
		}, nil
	case constants["F_SETFL"]:
		flags, err := arg(c, 2)
		return func() outcome {
			f.nonblock = flags&constants["O_NONBLOCK"] != 0
			return outcome{}
		}, err
	}
	return nil, errors.New("want F_GETFL or F_SETFL")
}

// ioctl answers how much there is to read, or not yet acknowledged.
func ioctl(r *run, f *file, c *Call) (func() outcome, error) {
	what, err := arg(c, 1)
	if err != nil {
		return nil, err
	}
	return func() outcome {
		info := f.sock.Info()
		v := info.ReceiveQueued
		if what == constants["SIOCOUTQ"] {
			v = info.SendQueued
		}
		return outcome{values: []Expr{nil, nil, List{Int{V: int64(v)}}}}
	}, nil
}

// poll answers for the descriptors of an array of {fd=, events=, revents=}. A
// timeout is not waited for: the call must be ready at its time.
func (r *run) poll(c *Call) (func() outcome, error) {
	if len(c.Args) < 1 {
		return nil, errors.New("want an array of {fd=, events=, revents=}")
	}
	list, ok := c.Args[0].(List)
	if !ok {
		return nil, errors.New("want an array of {fd=, events=, revents=}")
	}
	return func() outcome {
		out := outcome{values: []Expr{nil}}
		answer := make(List, len(list))
		for i, e := range list {
			s, v := r.pollOne(e)
			answer[i] = s
			if v != 0 {
				out.value++
			}
		}
		out.values[0] = answer
		return out
	}, nil
}

func (r *run) pollOne(e Expr) (Struct, int64) {
	var fd, events int64
	s, _ := e.(Struct)
	for _, x := range s {
		v, _ := number64(x.Value)
		switch x.Name {
		case "fd":
			fd = v
		case "events":
			events = v
		}
	}
	f := r.files[fd]
	if f == nil {
		return Struct{{Name: "fd", Value: Int{V: fd}}, {Name: "revents", Value: Int{V: 0x20}}}, 0x20
	}
	v := pollBits(f.sock.Ready()) & (events | constants["POLLERR"] | constants["POLLHUP"])
	return Struct{{Name: "fd", Value: Int{V: fd}}, {Name: "events", Value: Int{V: events}}, {Name: "revents", Value: Int{V: v}}}, v
}
