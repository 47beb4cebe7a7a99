package ip

// Reason says why a packet was dropped. Each is counted.
type Reason uint8

// The reasons for dropping a packet.
const (
	NotDropped       Reason = iota
	Malformed               // not a well-formed IP packet: length, version, header
	BadChecksum             // header checksum of IPv4, or that of ICMP
	NoInterface             // it came through an interface that is not ours or is down
	MartianSource           // a source that nobody can have: multicast, broadcast, loopback, unspecified, ourselves
	MartianDest             // a destination that does not belong on this link
	OtherInterface          // to an address of ours that another interface has (strong host model)
	NotForUs                // to somebody else, and we do not forward here
	NotJoined               // to a group that we are not in
	NotUsable               // to an address that is still tentative
	SourceRouted            // IPv4 source route (RFC 7126)
	BadOption               // option or extension header that demands to be discarded
	TooManyHeaders          // more extension headers than anybody needs
	HeaderSplit             // first fragment without the whole header chain (RFC 7112), or a tiny one (RFC 3128)
	FragmentTooLong         // fragment that ends behind octet 65535
	FragmentCopy            // a second copy of a fragment that is there
	FragmentOverlap         // fragments that overlap, and what follows them
	FragmentBad             // length that is not a multiple of eight, or two different ends
	FragmentLimit           // pushed out of the reassembly by its caps
	FragmentTimeout         // the others did not come in time
	FragmentedND            // neighbour discovery in fragments (RFC 6980)
	TTLExceeded             // forwarding: it has been on the way for too long
	PacketTooBig            // forwarding: larger than the next link and not to be fragmented
	NoRoute                 // forwarding: no way there
	BeyondScope             // forwarding: addresses of one link only
	BadICMP                 // ICMP that is cut short or of a kind that only routers take
	NotAboutUs              // ICMP error that quotes no packet of ours
	EchoToGroup             // echo request to a broadcast address (RFC 1122 §3.2.2.6)
	RateLimited             // an answer that was not sent because of its rate limit
	QueueFull               // more to send than Output was asked for
	NeighbourUnknown        // the next hop does not answer
	NeighbourInvalid        // ARP or neighbour discovery that breaks its rules
	NeighbourLimit          // pushed out of the neighbour table or a queue in it
	RedirectIgnored         // ICMP redirect, by policy
	BadGroupMessage         // IGMP or MLD that breaks its rules
	numReasons
)

var reasons = [numReasons]string{
	"not dropped", "malformed", "bad checksum", "no such interface", "martian source", "martian destination",
	"address of another interface", "not for us", "group not joined", "tentative address", "source routed",
	"bad option", "too many extension headers", "header split over fragments", "fragment too long",
	"fragment repeated", "fragments overlap", "bad fragment", "reassembly limit", "reassembly timeout", "fragmented neighbour discovery",
	"time to live exceeded", "packet too big", "no route", "beyond scope", "bad ICMP", "not about us",
	"echo request to a group", "rate limited", "queue full", "neighbour unknown", "invalid neighbour discovery",
	"neighbour limit", "redirect ignored", "bad group message",
}

// String returns the reason in words.
func (r Reason) String() string {
	if r >= numReasons {
		return "unknown"
	}
	return reasons[r]
}

// Drops counts dropped packets by Reason.
type Drops [numReasons]uint64
