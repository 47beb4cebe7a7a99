package ip

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// fragment sends a packet in pieces (RFC 1122 §3.3.3, RFC 8200 §4.5). It takes over
// data. A packet that is a fragment already is cut further, as routers of IPv4 do.
//
// Each piece but the last carries as many octets as fit and are a multiple of
// eight. The transport header goes whole with the first one (RFC 1858): a path
// that has no room for it has an MTU below what IP demands.
func (n *Node) fragment(now mono.Time, path *Path, h *wire.IP, transport []byte, data chunk.View, noSum bool) error {
	defer data.Release()
	var extension [wire.FragmentLen]byte
	f := *h
	if f.Is6() {
		f.Next, f.Extra = wire.ProtoFragment, extension[:]
	}
	if room(&f, path) < max(len(transport), 1) {
		return ErrTooBig
	}
	var first [maxTransportHeader]byte
	transport = first[:copy(first[:], transport)]
	if noSum { // a part cannot be summed later on
		h.Seal(transport, data.B)
	}
	for rest := (wire.Octets{Head: transport, Data: data}); rest.Len() > 0; {
		size := min(room(&f, path), rest.Len())
		more := size < rest.Len() || h.Flags&wire.MoreFragments != 0
		f.Flags &^= wire.MoreFragments
		if more {
			f.Flags |= wire.MoreFragments
		}
		wire.PutFragment(extension[:], h.Proto, int(f.Offset), more, h.ID)
		n.piece(now, path, &f, rest, size)
		rest.Pull(size)
		f.Offset += uint16(size)
		if !f.Is6() {
			f.Extra = copied(f.Extra)
		}
	}
	return nil
}

// room returns how many octets of payload a fragment that is not the last may have.
func room(f *wire.IP, path *Path) int {
	f.HeaderLen = uint16(f.Size())
	return (path.MTU - int(f.HeaderLen)) &^ 7
}

// piece sends the first size octets of o as one fragment.
func (n *Node) piece(now mono.Time, path *Path, f *wire.IP, o wire.Octets, size int) {
	f.Len = int(f.HeaderLen) + size
	var s sending
	b := s.setHead(int(f.HeaderLen) + len(o.Head))
	wire.PutIP(b, f)
	copy(b[f.HeaderLen:], o.Head)
	s.data = o.Data.Share()
	s.data.Trim(0, size-len(o.Head))
	n.emit(now, path, &s)
}

// copied returns the IPv4 options that every fragment has: those whose highest bit
// says so (RFC 791 §3.1). The options were checked when they were read.
func copied(options []byte) []byte {
	var all []byte
	for b := options; len(b) > 0 && b[0] != 0; {
		if b[0] == 1 {
			b = b[1:]
			continue
		}
		n := int(b[1])
		if b[0]&0x80 != 0 {
			all = append(all, b[:n]...)
		}
		b = b[n:]
	}
	return all
}
