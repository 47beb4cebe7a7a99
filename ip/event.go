package ip

import (
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// EventKind says what happened to the configuration of a Node.
type EventKind uint8

// The kinds of events.
const (
	AddressReady      EventKind = iota + 1 // a tentative address is known to be unique, or came by itself
	AddressTaken                           // a tentative address belongs to MAC: it is not used
	AddressConflict                        // MAC uses an address of ours
	AddressDeprecated                      // an address is not for new connections any more
	AddressGone                            // an address has ended
	RouterFound                            // a default router appeared
	RouterGone                             // it has ended
	NameServers                            // the name servers that routers announce changed: see Resolvers
)

// String returns the kind in words.
func (k EventKind) String() string {
	return [...]string{"none", "address ready", "address taken", "address conflict", "address deprecated", "address gone",
		"router found", "router gone", "name servers changed"}[k%9]
}

// An Event is something that the owner of a Node may want to tell its user.
type Event struct {
	Kind      EventKind
	Interface ID
	Addr      netip.Addr
	MAC       wire.MAC // with AddressTaken and AddressConflict: who has it
}

// maxEvents bounds how many events wait to be asked for; the oldest go first.
const maxEvents = 64

// Event returns the next event, if there is one.
func (n *Node) Event() (Event, bool) {
	if len(n.events) == 0 {
		return Event{}, false
	}
	e := n.events[0]
	n.events = n.events[1:]
	return e, true
}

func (n *Node) tell(kind EventKind, id ID, a netip.Addr, mac wire.MAC) {
	if len(n.events) >= maxEvents {
		n.events = n.events[1:]
	}
	n.events = append(n.events, Event{kind, id, a, mac})
}
