package link

import (
	"cmp"
	"fmt"

	"github.com/octet-net/octet/timeline"
)

// WireOptions says what a Wire is like. The zero value is a perfect wire of bare
// IP packets with an MTU of 1500.
type WireOptions struct {
	Name     string    // with the Seed it decides what happens to packets; wire0 if empty
	Seed     uint64    // wires of one network may share it: their names differ
	Ends     [2]string // names of the two devices; Name.0 and Name.1 if empty
	MAC      [2][6]byte
	Ethernet bool
	Paths    [2]Path  // from end 0 to end 1, and back
	Observer Observer // sees what the wire does to packets (Sighting.Fate); may be nil
	Gate     Gate     // asked about each packet that starts; may be nil
	Judge    Judge    // has the last word on what chance does; may be nil
}

// A Wire joins two devices through the two directions of a bad network. Events
// of its timeline carry the packets: it has no goroutine and needs no Flush.
//
// Packets that are sent within one microsecond start together, flow by flow,
// in an order that does not depend on which goroutine was first; within a flow
// they keep their order. So two runs in virtual time agree. It also means that
// no packet arrives before the next microsecond after it was sent.
type Wire struct {
	ends  [2]wireEnd
	paths [2]path
}

// NewWire returns a wire, or what is wrong with its paths.
func NewWire(line *timeline.Timeline, o WireOptions) (*Wire, error) {
	o.Name = cmp.Or(o.Name, "wire0")
	w := new(Wire)
	for i := range w.ends {
		if err := o.Paths[i].Check(); err != nil {
			return nil, err
		}
		name := cmp.Or(o.Ends[i], fmt.Sprintf("%s.%d", o.Name, i))
		w.ends[i] = wireEnd{out: &w.paths[i], in: &w.paths[1-i], name: name, mac: o.MAC[i]}
		key := sipKey{o.Seed, sipKey{uint64(i), 0}.sum([]byte(o.Name))}
		w.paths[i].init(line, key, o.Paths[i], o.Ethernet)
		w.paths[i].observer, w.paths[i].name, w.paths[i].forth = o.Observer, o.Name, i == 0
		w.paths[i].gate, w.paths[i].judge = o.Gate, o.Judge
	}
	return w, nil
}

// End returns one of the two devices: 0 or 1.
func (w *Wire) End(i int) Counted { return &w.ends[i] }

// Path returns the values of the direction that starts at end i.
func (w *Wire) Path(i int) Path {
	w.paths[i].mu.Lock()
	defer w.paths[i].mu.Unlock()
	return w.paths[i].cfg
}

// SetPath changes the direction that starts at end i, for packets that have not
// been transmitted yet. They may overtake those that travel already, as on a new
// route. It returns what is wrong with the values.
func (w *Wire) SetPath(i int, p Path) error {
	if err := p.Check(); err != nil {
		return err
	}
	w.paths[i].set(p)
	return nil
}

// Stats returns what the direction that starts at end i did to packets.
func (w *Wire) Stats(i int) PathStats { return w.paths[i].stats() }

// Close closes both ends and drops what is on the way. It returns nil.
func (w *Wire) Close() error {
	for i := range w.ends {
		w.ends[i].Close()
	}
	return nil
}

// PathStats counts what one direction of a Wire did. At any moment
//
//	Sent + Duplicated = Delivered + Lost + QueueDropped + BlackHoled + Stopped + Undelivered + InFlight
type PathStats struct {
	Sent            uint64 // packets that the device took
	SentOctets      uint64
	Delivered       uint64 // packets that arrived, doubles too
	DeliveredOctets uint64
	Lost            uint64
	Duplicated      uint64 // packets that were made two
	Reordered       uint64 // packets that were held back
	Corrupted       uint64
	QueueDropped    uint64 // packets that found no room
	BlackHoled      uint64 // packets longer than Path.BlackHole
	Stopped         uint64 // packets that the Gate let go no further
	Marked          uint64 // packets that the Queue marked instead of dropping them (Queued.MarkCE)
	Undelivered     uint64 // packets that found the far end closed or nobody attached to it
	InFlight        uint64 // packets on the way now
	Backlog         uint64 // octets that wait for the transmitter now
	Refused         uint64 // packets that the device did not take: closed, or longer than the MTU
}

// wireEnd is the device at one end of a Wire.
type wireEnd struct {
	out, in *path
	name    string
	mac     [6]byte
}

func (e *wireEnd) Attach(r Receiver) { e.in.attach(r) }
func (e *wireEnd) Send(p *Packet)    { e.out.send(p) }
func (e *wireEnd) Flush()            {} // the timeline delivers

func (e *wireEnd) Info() Info {
	return Info{Name: e.name, MTU: e.out.mtu(), MAC: e.mac, Ethernet: e.out.ethernet}
}

func (e *wireEnd) Stats() Stats {
	out, in := e.out.stats(), e.in.stats()
	return Stats{
		Sent: out.Sent, SentOctets: out.SentOctets, SendDropped: out.Refused,
		Received: in.Delivered, ReceivedOctets: in.DeliveredOctets,
	}
}

// Close ends the device. What it has sent still arrives.
func (e *wireEnd) Close() error {
	e.out.refuse()
	e.in.shut()
	return nil
}
