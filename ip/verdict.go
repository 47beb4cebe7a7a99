package ip

import (
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// A Packet enters or leaves a Node: an IP packet, or on Ethernet an ARP one.
//
// Its headers lie together, in Head or, where that is empty, at the front of Data.
// On arrival Head may be that of a packet that one of our stacks built. Of a
// packet that leaves, Head is valid until the next call of the Node.
type Packet struct {
	wire.Octets
	Interface ID             // where it arrived, or through which it leaves
	Ether     wire.EtherType // what it is; 0 on arrival means: IP, by the version number
	MAC       wire.MAC       // Ethernet only: from whom it came, or to whom it goes
	Link      Cast           // on arrival: how the frame that brought it was addressed

	// Looped marks a copy for ourselves of a packet to many. From Output it goes
	// straight back to Arrive, with the mark, and not to the link.
	Looped bool

	// NoSum and SegmentSize are what link.Packet says; a Node hands them on.
	NoSum       bool
	SegmentSize uint16
}

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
// from fragments.
type Datagram struct {
	IP wire.IP // its header
	// Octets are the transport's header and payload. The receiver owns the
	// reference of their Data, and parses a copy of the Octets if it may want to
	// call Unreachable afterwards.
	wire.Octets
	Header    []byte // the IP headers as they arrived; valid until the next call
	Interface ID
	Cast      Cast // how it was addressed

	Looped      bool
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
)

// String returns the kind in words.
func (k NoticeKind) String() string {
	return [...]string{"unknown", "network unreachable", "host unreachable", "protocol unreachable", "port unreachable",
		"prohibited", "packet too big", "time exceeded", "fragments missing", "parameter problem"}[k%10]
}

// A Notice is an ICMP error about a packet that we may have sent. It is hearsay:
// only the transport can tell whether such a packet was under way (RFC 5927).
type Notice struct {
	Kind       NoticeKind
	Type, Code uint8      // as in the ICMP header
	From       netip.Addr // who says so
	Interface  ID         // where the notice arrived
	Own        bool       // we say so ourselves, for instance because a neighbour does not answer

	// The quoted packet: from us to somebody. The ports are zero if they were not quoted.
	Src, Dst         netip.Addr
	Proto            wire.Proto
	SrcPort, DstPort uint16
	Seq              wire.Seq // of a quoted TCP segment, or the id and sequence number of an echo
	HasSeq           bool

	MTU int // with TooBig: octets of an IP packet, at least the floor of Config; 0 if not said
}
