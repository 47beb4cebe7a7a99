package packetdrill

import (
	"time"

	"github.com/octet-net/octet/wire"
)

// A Script is a parsed file.
type Script struct {
	Name    string
	Options []Option
	Events  []*Event
}

// Option is a line --name=value at the head of a script.
type Option struct {
	Line        int
	Name, Value string
}

// Option returns the value of the last option of that name.
func (s *Script) Option(name string) (value string, ok bool) {
	for _, o := range s.Options {
		if o.Name == name {
			value, ok = o.Value, true
		}
	}
	return value, ok
}

// An Event is something that happens, or must happen, at a time.
type Event struct {
	Line   int // where it begins, from 1
	Source string
	When   When
	Action Action
}

// When is the time of an event.
type When struct {
	Kind WhenKind
	From time.Duration
	To   time.Duration // end of a range, or of a blocking call
	Ends bool          // From...To: the call blocks until To
}

// WhenKind is how the time of an event is written.
type WhenKind uint8

// The ways to write a time.
const (
	Absolute      WhenKind = iota // 0.25
	Relative                      // +0.25: after the event before
	AnyTime                       // *
	AbsoluteRange                 // 0.25~0.30
	RelativeRange                 // +0.25~+0.30
)

// An Action is a *Packet, a *Call, a *Command or a *Code.
type Action interface{ action() }

// A Packet goes in to the host under test (<) or must come out of it (>).
type Packet struct {
	Out  bool
	IP   IPFields
	TCP  *TCP
	UDP  *UDP
	ICMP *ICMP
}

// IPFields are what a line says of the IP header. -1: nothing.
type IPFields struct {
	TOS int // the whole octet
	ECN int // its two lower bits
	TTL int // or hop limit
}

// TCP is a TCP segment of a script.
type TCP struct {
	Flags     wire.Flags
	Start     uint32
	Len       int
	Absolute  bool // the sequence number is as on the wire: 0:0(0)!
	Ack       int64
	Window    int // -1: not given
	Urgent    int // -1: not given
	AnyOption bool
	Options   []TCPOption
}

// End returns the sequence number after the payload.
func (t *TCP) End() uint32 { return t.Start + uint32(t.Len) }

// TCPOption is one option of a TCP segment.
type TCPOption struct {
	Kind     OptionKind
	Value    uint32 // mss, wscale, TS val
	Echo     uint32 // TS ecr
	Absolute bool   // the echo is as on the wire: ecr 100!
	Ignore   bool   // the TS val is not compared: val 100!; the cookie is the host's own, whatever that is: FO TFO_COOKIE
	Blocks   [][2]uint32
	Data     []byte // cookie, or the content of an unknown option
	Code     uint8  // number of an unknown option
}

// OptionKind is a kind of TCP option.
type OptionKind uint8

// The options that scripts write.
const (
	OptEOL OptionKind = iota
	OptNOP
	OptMSS
	OptScale
	OptSACKPermitted
	OptSACK
	OptTimestamp
	OptFastOpen
	OptAccECN // Code says which counter stands first, Data has them as they stand
	OptUnknown
)

// UDP is a datagram of a script, with so many octets of payload.
type UDP struct{ Len int }

// ICMP is an ICMP error about a segment that the host sent.
type ICMP struct {
	Type, Code string
	MTU        int // -1: not given
	Quoted     *Quote
}

// Quote is the sequence range of the segment that an ICMP error quotes.
type Quote struct {
	Start uint32
	Len   int
	UDP   bool // the quoted packet is a datagram with Len octets
}

// A Call is a system call with what it must return.
type Call struct {
	Name   string
	Args   []Expr
	Result Expr   // nil: not compared (the script says ...)
	Errno  string // ECONNREFUSED, …; empty if none
	Note   string
}

// A Command is a line for the shell: `sysctl -w a=b`.
type Command struct{ Text string }

// Code is a snippet %{ … }%, which is kept and never run.
type Code struct{ Text string }

func (*Packet) action()  {}
func (*Call) action()    {}
func (*Command) action() {}
func (*Code) action()    {}

// An Expr is an argument or a result: Int, Word, Str, Ellipsis, List, Struct, Apply or Or.
type Expr interface{ expr() }

type (
	// Int is a number.
	Int struct {
		V   int64
		Hex bool
	}
	// Word is a name such as SOCK_STREAM.
	Word string
	// Str is a quoted string; More says that ... follows it.
	Str struct {
		S    string
		More bool
	}
	// Ellipsis is ... where any value will do.
	Ellipsis struct{}
	// List is [a, b].
	List []Expr
	// Field is name=value in a Struct.
	Field struct {
		Name  string
		Count Expr // name(count)=value
		Value Expr
	}
	// Struct is {a=1, b=2}, or {a, b} with empty names.
	Struct []Field
	// Apply is htons(80).
	Apply struct {
		Name string
		Args []Expr
	}
	// Or is a | b.
	Or []Expr
)

func (Int) expr()      {}
func (Word) expr()     {}
func (Str) expr()      {}
func (Ellipsis) expr() {}
func (List) expr()     {}
func (Struct) expr()   {}
func (Apply) expr()    {}
func (Or) expr()       {}
