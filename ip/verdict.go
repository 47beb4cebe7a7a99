package ip

import (
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// EtherTypes of what a Node speaks.
const (
	EtherIPv4 = 0x0800
	EtherARP  = 0x0806
	EtherIPv6 = 0x86dd
)

// A Packet enters or leaves a Node: an IP packet, or on Ethernet an ARP one. Its
// octets are those of Head followed by those of Data. A packet that one of our
// stacks built has its headers, up to and with that of the transport, in Head; one
// from elsewhere may lie whole in Data.
type Packet struct {
	Interface ID     // where it arrived, or through which it leaves
	Ether     uint16 // its EtherType; 0 on arrival means: by the version number of IP
	MAC       MAC    // Ethernet only: from whom it came, or to whom it goes
	Link      Cast   // how the frame that brought it was addressed

	Head []byte
	Data chunk.View

	// NoSum and SegmentSize are what link.Packet says; a Node hands them on.
	NoSum       bool
	SegmentSize uint16
}

// Len returns the length of the packet in octets.
func (p *Packet) Len() int { return len(p.Head) + p.Data.Len() }

// Kind says what becomes of an arrived packet.
type Kind uint8

// The verdicts.
const (
	Drop    Kind = iota // nothing; Reason says why
	Deliver             // it is for a transport of ours: Datagram
	Inform              // it is an ICMP error about a packet of ours: Notice
	Hold                // it is a fragment, kept until the others arrive
	Answer              // it was for the Node itself, which may have something to say: see Output
	Forward             // it was for somebody else and has left through Output
)

// String returns the verdict in lower case.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "unknown"
	}
	return kinds[k]
}

var kinds = [...]string{"drop", "deliver", "inform", "hold", "answer", "forward"}

// A Verdict says what becomes of an arrived packet. Only the part that belongs to
// its Kind is filled in.
type Verdict struct {
	Kind     Kind
	Reason   Reason
	Datagram Datagram
	Notice   Notice
}

// A Datagram is what IP delivers to a transport: one packet, or one put together
// from fragments. Its reference in Data is the receiver's.
type Datagram struct {
	Src, Dst  netip.Addr
	Interface ID
	Proto     uint8 // of what follows the IP headers
	TTL       uint8 // or hop limit, as it arrived
	TOS       uint8 // or traffic class: DSCP and, in the lower two bits, ECN
	Cast      Cast

	// Header are the IP headers, for who answers with an ICMP error. They are valid until the next call.
	Header []byte
	// Front are octets of the transport header that did not lie in Data: the
	// payload of IP is Front followed by Data. Valid until the next call.
	Front []byte
	Data  chunk.View

	NoSum       bool
	SegmentSize uint16
}

// NoticeKind is what an ICMP error says, whichever IP version said it.
type NoticeKind uint8

// The kinds of notices.
const (
	NetUnreachable   NoticeKind = iota + 1 // no route on the way (also: beyond scope of the source)
	HostUnreachable                        // the last router does not find the host
	ProtoUnreachable                       // the host does not speak the protocol
	PortUnreachable                        // nobody listens
	Prohibited                             // a filter says no
	TooBig                                 // the next link takes MTU octets only
	TimeExceeded                           // it went round in circles
	ReassemblyFailed                       // fragments were lost
	ParameterProblem                       // something in the header was not understood
	SourceQuench                           // obsolete (RFC 6633): to be ignored
)

// A Notice is an ICMP error about a packet that we may have sent. It is hearsay:
// only the transport can tell whether such a packet was under way (RFC 5927).
type Notice struct {
	Kind       NoticeKind
	Type, Code uint8      // as in the ICMP header
	From       netip.Addr // who says so
	Interface  ID         // where the notice arrived

	// The quoted packet: from us to somebody. The ports are zero if they were not quoted.
	Src, Dst         netip.Addr
	Proto            uint8
	SrcPort, DstPort uint16
	Seq              wire.Seq // of a quoted TCP segment, or the id and sequence number of an echo
	HasSeq           bool

	MTU int // with TooBig: octets of an IP packet, at least the floor of Config; 0 if not said
}
