package ip

import (
	"cmp"
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Outgoing is what a transport wants sent as one IP packet or as fragments.
type Outgoing struct {
	Path     Path
	Src, Dst netip.Addr
	Proto    wire.Proto
	TTL      uint8  // 0: the default of the Node, or 1 for groups (RFC 1112 §6.1, RFC 3493 §5.2)
	TOS      uint8  // DSCP and ECN
	Label    uint32 // IPv6 flow label
	DF       bool   // never fragment: an error if it is too big
	NoLoop   bool   // a packet to many is not for ourselves

	// Octets are the transport's header, in Head (at most 60 octets), and its
	// payload. The header is copied, the payload taken over. With NoSum the
	// checksum of the transport has been left out.
	wire.Octets
	NoSum bool
}

// maxTransportHeader is the longest header of a transport: that of TCP with all options.
const maxTransportHeader = 60

// Send makes packets of o, which come out of Output when the next hop is known.
func (n *Node) Send(now mono.Time, o *Outgoing) error {
	h, err := n.header(o)
	if err != nil {
		o.Data.Release()
		return err
	}
	if o.Path.Cast != Unicast && !o.NoLoop {
		n.loop(now, o, &h)
	}
	data := o.Data
	o.Data = chunk.View{}
	return n.transmit(now, &o.Path, &h, o.Head, data, o.NoSum)
}

// header makes the IP header of o.
func (n *Node) header(o *Outgoing) (wire.IP, error) {
	h := wire.IP{
		Src: o.Src, Dst: o.Dst, Proto: o.Proto, Next: o.Proto,
		TTL: o.TTL, TOS: o.TOS, Label: o.Label,
	}
	if !h.Src.IsValid() || !h.Dst.IsValid() || h.Src.Is4() != h.Dst.Is4() || len(o.Head) > maxTransportHeader {
		return h, ErrInvalid
	}
	if h.TTL == 0 {
		if h.TTL = cmp.Or(o.Path.HopLimit, n.cfg.TTL); o.Path.Cast == Multicasting {
			h.TTL = 1
		}
	}
	if o.DF {
		h.Flags |= wire.DontFragment
	}
	h.HeaderLen = uint16(h.Size())
	h.Len = int(h.HeaderLen) + o.Len()
	if h.Len > maxPayload(h.Is6()) {
		return h, ErrTooBig
	}
	return h, nil
}

// loop queues a copy of a packet to many for ourselves (RFC 1112 §6.1), if we are among them.
func (n *Node) loop(now mono.Time, o *Outgoing, h *wire.IP) {
	i := n.tables.up(o.Path.Interface)
	if i == nil || i.Flags.Has(Loopback) || o.Path.Cast == Multicasting && !i.joined(o.Dst) {
		return
	}
	s := sending{iface: i.ID, looped: true, noSum: o.NoSum, data: o.Data.Own()}
	copy(s.setHead(int(h.HeaderLen) + len(o.Head))[h.HeaderLen:], o.Head)
	wire.PutIP(s.head[:], h)
	n.push(&s)
}

// transmit sends a packet of the header h, the transport header and the data, which
// it takes over: in fragments if the path demands it and h allows it.
func (n *Node) transmit(now mono.Time, path *Path, h *wire.IP, transport []byte, data chunk.View, noSum bool) error {
	if h.Len > path.MTU {
		if h.Flags&wire.DontFragment != 0 {
			data.Release()
			return ErrTooBig
		}
		h.ID = n.ids.next(&n.prf, h.Src, h.Dst, h.Proto)
		return n.fragment(now, path, h, transport, keep(data), noSum)
	}
	if !h.Is6() && h.Flags&wire.DontFragment == 0 {
		h.ID = n.ids.next(&n.prf, h.Src, h.Dst, h.Proto) // a router may fragment it (RFC 6864 §4)
	}
	s := sending{data: keep(data), noSum: noSum}
	b := s.setHead(int(h.HeaderLen) + len(transport))
	wire.PutIP(b, h)
	copy(b[h.HeaderLen:], transport)
	n.emit(now, path, &s)
	return nil
}

// keep returns octets that may be kept in a queue, taking over v.
func keep(v chunk.View) chunk.View {
	if v.Owned() {
		return v
	}
	return chunk.Copy(v.B)
}
