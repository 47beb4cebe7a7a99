package link

import (
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// A mark changes the codepoint and keeps the header good; data that others hold
// stays as it was, and so does a packet whose transport knows no marks.
func TestMarkCE(t *testing.T) {
	for _, c := range []struct {
		name     string
		src, dst string
		tos      uint8
		ether    bool
		inData   bool
		want     bool
	}{
		{"IPv4 in the head", "192.0.2.1", "192.0.2.2", ECT0, true, false, true},
		{"IPv4 in the data", "192.0.2.1", "192.0.2.2", 0xb8 | ECT1, false, true, true},
		{"IPv6", "2001:db8::1", "2001:db8::2", ECT0, true, true, true},
		{"not capable", "192.0.2.1", "192.0.2.2", NotECT, true, true, false},
	} {
		h := wire.IP{Src: netip.MustParseAddr(c.src), Dst: netip.MustParseAddr(c.dst), Proto: wire.ProtoUDP, TTL: 9, TOS: c.tos}
		h.Len = h.Size() + 8
		b := make([]byte, h.Len)
		wire.PutIP(b, &h)
		if c.ether {
			kind := wire.EtherIPv4
			if h.Is6() {
				kind = wire.EtherIPv6
			}
			f := make([]byte, etherHeader)
			wire.PutEthernet(f, &wire.Ethernet{Type: kind})
			b = append(f, b...)
		}
		q := &Queued{ethernet: c.ether}
		if c.inData {
			q.Data = chunk.Copy(b)
		} else {
			copy(q.SetHead(len(b)), b)
		}
		shared := q.Data.Share()
		if got := q.MarkCE(); got != c.want || q.Marked != c.want {
			t.Errorf("%s: MarkCE says %v and Marked is %v, want %v", c.name, got, q.Marked, c.want)
		}
		var after wire.IP
		o := wire.Octets{Head: q.Head(), Data: chunk.Borrow(q.Data.B)}
		if c.ether {
			o.Pull(etherHeader)
		}
		if f := wire.ParseIP(&o, &after); f != wire.OK {
			t.Errorf("%s: the header is broken: %v", c.name, f)
		}
		want := c.tos
		if c.want {
			want |= CE
		}
		if after.TOS != want {
			t.Errorf("%s: class %#x, want %#x", c.name, after.TOS, want)
		}
		if c.inData && string(shared.B) != string(b) {
			t.Errorf("%s: the data that others hold has changed", c.name)
		}
	}
}
