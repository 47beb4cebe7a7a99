package ip

import (
	"net/netip"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// ID names an interface of a Node. It counts from 1; 0 means any or none.
type ID uint32

// Flags say what an interface is.
type Flags uint8

// The flags of an interface.
const (
	Up           Flags = 1 << iota // it carries packets
	Loopback                       // what is sent comes back; carries 127.0.0.0/8 and ::1
	Ethernet                       // neighbours are found by ARP and NDP
	PointToPoint                   // whatever is sent reaches the one other end
	Multicast                      // groups can be joined
	Forwarding                     // packets for others that arrive here are forwarded (RFC 1812, RFC 8200)
)

// Has reports whether all flags of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// An Interface is where packets enter and leave.
type Interface struct {
	ID    ID
	Name  string // as people call it: lo, eth0, tun0
	MTU   int    // octets of an IP packet, 68 to 65535
	Flags Flags
	MAC   wire.MAC // of an Ethernet interface
}

// AddressState says what an address may be used for (RFC 4862 §2).
type AddressState uint8

// The states of an address.
const (
	Preferred  AddressState = iota // for everything
	Deprecated                     // not for new connections
	Tentative                      // nothing yet: not known to be unique
	Duplicate                      // nothing: somebody else has it
)

// String returns the state in lower case, as ip-address(8) prints it.
func (s AddressState) String() string {
	return [...]string{"preferred", "deprecated", "tentative", "duplicate"}[s&3]
}

// An Address is one of an interface, with the prefix that is on its link.
type Address struct {
	Prefix    netip.Prefix // 192.0.2.5/24: the address, not masked
	State     AddressState
	Temporary bool       // RFC 8981
	OffLink   bool       // others with the prefix are not on the link
	Router    netip.Addr // who advertised the prefix, for rule 5.5 of RFC 6724; may be zero
	// Until when the address is preferred and valid; Never for one that was configured.
	// Zero means Never too, so that a literal with a Prefix alone is a lasting address.
	PreferredUntil, ValidUntil mono.Time
}

// Addr returns the address without its prefix length.
func (a *Address) Addr() netip.Addr { return a.Prefix.Addr() }

// usable reports whether packets to and from the address may flow.
func (a *Address) usable() bool { return a.State <= Deprecated }

// A Route says where packets to the addresses of a prefix go.
type Route struct {
	Prefix    netip.Prefix
	Interface ID
	Via       netip.Addr // the next router; zero if the prefix is on the link
	Source    netip.Addr // preferred source; zero to select by RFC 6724
	Metric    uint32     // of two routes for one prefix the smaller is used
	MTU       int        // 0: that of the interface
	Until     mono.Time  // when it goes away; Never, or zero for Never
}

// Cast says to how many a packet goes.
type Cast uint8

// The ways of addressing.
const (
	Unicast Cast = iota
	Broadcast
	Multicasting
)

// A Path is how packets reach a destination. It stays good while the Generation
// of the Tables that gave it is the current one.
type Path struct {
	Interface  ID
	Flags      Flags // of the interface
	Cast       Cast
	HopLimit   uint8 // that routers recommend, 0 if they do not
	Source     netip.Addr
	NextHop    netip.Addr // who on the link gets the packet: a router, or the destination itself
	MTU        int        // of the interface, the route and, if asked from a Node, what Path MTU discovery knows
	Generation uint64
}

// An Error says why something cannot be sent or configured.
type Error uint8

// The reasons for refusing a call.
const (
	ErrNoRoute     Error = iota + 1 // no route to the destination
	ErrNoSource                     // no address to send from
	ErrNotOurs                      // the source given is no address of ours
	ErrTooBig                       // larger than the path takes and must not be fragmented
	ErrNoInterface                  // no such interface, or it is down
	ErrInvalid                      // an address, prefix or size that makes no sense here
	ErrExists                       // it is there already
	ErrNotFound                     // it is not there
)

// Error says it in words.
func (e Error) Error() string {
	return [...]string{"", "no route to host", "no source address", "not an address of this host", "message too long",
		"no such interface", "invalid argument", "already exists", "not found"}[e%9]
}
