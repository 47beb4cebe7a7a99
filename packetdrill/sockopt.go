package packetdrill

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/tcp"
)

// sockopt names a socket option by its level and name, as numbers.
type sockopt struct{ level, name int64 }

func optionOf(level, name string) sockopt { return sockopt{constants[level], constants[name]} }

// setters are the socket options that take one number.
func setters() map[sockopt]func(f *file, v int) error {
	seconds := func(v int) time.Duration { return time.Duration(v) * time.Second }
	return map[sockopt]func(f *file, v int) error{
		optionOf("SOL_SOCKET", "SO_REUSEADDR"):      func(f *file, v int) error { return f.sock.SetReuseAddr(v != 0) },
		optionOf("SOL_SOCKET", "SO_SNDBUF"):         func(f *file, v int) error { return f.sock.SetSendBuffer(v) },
		optionOf("SOL_SOCKET", "SO_RCVBUF"):         func(f *file, v int) error { return f.sock.SetReceiveBuffer(v) },
		optionOf("SOL_TCP", "TCP_FASTOPEN"):         func(f *file, v int) error { return f.sock.SetFastOpen(v != 0) },
		optionOf("SOL_TCP", "TCP_FASTOPEN_CONNECT"): func(f *file, v int) error { return f.sock.SetFastOpen(v != 0) },
		optionOf("SOL_TCP", "TCP_NODELAY"):          func(f *file, v int) error { return f.sock.SetNoDelay(v != 0) },
		optionOf("SOL_TCP", "TCP_USER_TIMEOUT"): func(f *file, v int) error {
			return f.sock.SetUserTimeout(time.Duration(v) * time.Millisecond)
		},
		optionOf("SOL_SOCKET", "SO_KEEPALIVE"):    func(f *file, v int) error { f.keepOn = v != 0; return f.setKeepAlive() },
		optionOf("SOL_TCP", "TCP_KEEPIDLE"):       func(f *file, v int) error { f.keep.Idle = seconds(v); return f.setKeepAlive() },
		optionOf("SOL_TCP", "TCP_KEEPINTVL"):      func(f *file, v int) error { f.keep.Interval = seconds(v); return f.setKeepAlive() },
		optionOf("SOL_TCP", "TCP_KEEPCNT"):        func(f *file, v int) error { f.keep.Count = v; return f.setKeepAlive() },
		optionOf("SOL_IP", "IP_TOS"):              setTOS,
		optionOf("SOL_IPV6", "IPV6_TCLASS"):       setTOS,
		optionOf("SOL_IP", "IP_TTL"):              func(f *file, v int) error { return f.sock.SetHopLimit(uint8(v)) },
		optionOf("SOL_IPV6", "IPV6_UNICAST_HOPS"): func(f *file, v int) error { return f.sock.SetHopLimit(uint8(v)) },
		optionOf("SOL_SOCKET", "SO_REUSEPORT"):    func(f *file, v int) error { return f.sock.SetReuseAddr(v != 0) },
	}
}

func setTOS(f *file, v int) error { return f.sock.SetTOS(uint8(v)) }

// setKeepAlive puts together what several options say.
func (f *file) setKeepAlive() error {
	if !f.keepOn {
		return f.sock.SetKeepAlive(tcp.KeepAlive{})
	}
	return f.sock.SetKeepAlive(tcp.KeepAlive{
		Idle:     cmp.Or(f.keep.Idle, 2*time.Hour),
		Interval: cmp.Or(f.keep.Interval, 75*time.Second),
		Count:    cmp.Or(f.keep.Count, 9),
	})
}

// optionArgs evaluates level and name of setsockopt and getsockopt.
func optionArgs(c *Call) (sockopt, error) {
	level, err1 := arg(c, 1)
	name, err2 := arg(c, 2)
	if len(c.Args) < 4 {
		return sockopt{}, fmt.Errorf("want descriptor, level, name, value and length")
	}
	return sockopt{level, name}, errors.Join(err1, err2)
}

func setsockopt(r *run, f *file, c *Call) (func() outcome, error) {
	o, err := optionArgs(c)
	if err != nil {
		return nil, err
	}
	if o == optionOf("SOL_SOCKET", "SO_LINGER") {
		return setLinger(f, c)
	}
	set := setters()[o]
	if set == nil {
		return nil, fmt.Errorf("the option %v is not supported", c.Args[2])
	}
	v, err := oneNumber(c.Args[3])
	if err != nil {
		return nil, err
	}
	return func() outcome { return result(set(f, int(v))) }, nil
}

// oneNumber evaluates [4] or 4.
func oneNumber(e Expr) (int64, error) {
	if l, ok := e.(List); ok && len(l) == 1 {
		e = l[0]
	}
	v, ok := number64(e)
	if !ok {
		return 0, fmt.Errorf("%v is no number that is known here", e)
	}
	return v, nil
}

// setLinger takes {onoff=1, linger=0}.
func setLinger(f *file, c *Call) (func() outcome, error) {
	s, ok := c.Args[3].(Struct)
	if !ok {
		return nil, errors.New("SO_LINGER: want {onoff=1, linger=0}")
	}
	var onoff, linger int64
	for _, x := range s {
		v, known := number64(x.Value)
		switch {
		case known && (x.Name == "onoff" || x.Name == "l_onoff"):
			onoff = v
		case known && (x.Name == "linger" || x.Name == "l_linger"):
			linger = v
		default:
			return nil, fmt.Errorf("SO_LINGER: %v is not onoff or linger with a number", x)
		}
	}
	d := time.Duration(-1)
	if onoff != 0 {
		d = time.Duration(linger) * time.Second
	}
	return func() outcome { return result(f.sock.SetLinger(d)) }, nil
}

func getsockopt(r *run, f *file, c *Call) (func() outcome, error) {
	o, err := optionArgs(c)
	if err != nil {
		return nil, err
	}
	var read func() Expr
	switch o {
	case optionOf("SOL_SOCKET", "SO_ERROR"):
		read = func() Expr { return errorValue(f.sock.Error()) }
	case optionOf("SOL_TCP", "TCP_MAXSEG"):
		read = func() Expr { return Int{V: int64(f.sock.Info().MSS)} }
	default:
		return nil, fmt.Errorf("the option %v is not supported", c.Args[2])
	}
	return func() outcome { return outcome{values: []Expr{nil, nil, nil, List{read()}}} }, nil
}

// errorValue is how SO_ERROR says an error: 0 or its name.
func errorValue(err error) Expr {
	if name := errnoName(err); name != "" {
		return Word(name)
	}
	return Int{}
}

// pollBits maps the readiness of a socket to that of poll.
func pollBits(r octet.Ready) (v int64) {
	for _, x := range []struct {
		bit  octet.Ready
		name []string
	}{
		{octet.CanRead, []string{"POLLIN"}},
		{octet.CanWrite, []string{"POLLOUT"}},
		{octet.ReadEnd, []string{"POLLIN", "POLLRDHUP"}},
		{octet.WriteEnd | octet.ReadEnd, []string{"POLLHUP"}},
		{octet.Failed, []string{"POLLERR", "POLLHUP", "POLLIN", "POLLOUT"}},
	} {
		if r.Has(x.bit) {
			for _, n := range x.name {
				v |= constants[n]
			}
		}
	}
	return v
}
