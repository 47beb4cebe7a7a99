package ip

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A piece is a fragment in a test: octets start to end of the payload.
type piece struct {
	start int
	data  []byte
	more  bool
}

// octets makes the packet of a fragment. The protocol is one that IP does not look into.
func (f piece) octets(src, dst string, id uint32) []byte {
	h := between(src, dst, testProto)
	h.ID, h.Offset = id, uint16(f.start)
	if f.more {
		h.Flags |= wire.MoreFragments
	}
	if h.Is6() {
		h.Next, h.Extra = wire.ProtoFragment, make([]byte, 8)
		wire.PutFragment(h.Extra, testProto, f.start, f.more, id)
	}
	return packet(h, f.data)
}

// testProto is a protocol of experiments (RFC 3692).
const testProto wire.Proto = 253

// cut makes fragments of so many octets out of a payload.
func cut(payload []byte, size int) (all []piece) {
	for at := 0; at < len(payload); at += size {
		end := min(at+size, len(payload))
		all = append(all, piece{at, payload[at:end], end < len(payload)})
	}
	return all
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// families are a pair of addresses for each version of IP.
var families = [...]struct{ name, src, dst string }{
	{"IPv4", "203.0.113.9", "192.0.2.5"}, {"IPv6", "2001:db8:9::9", "2001:db8:1::5"},
}

// RFC 791 §3.2, RFC 8200 §4.5: whatever the order in which fragments arrive, the
// packet is the one that was sent.
func TestRFC8200_4_5_FragmentsInAnyOrder(t *testing.T) {
	for _, f := range families {
		for _, size := range []int{1, 8, 9, 1500, 2048, 4096, 65507} {
			payload := pattern(size)
			for seed := range uint64(8) {
				b, _, eth0, _ := twoHomed(t)
				pieces := cut(payload, []int{8, 512, 1448, 2048, 8192}[seed%5]*max(size/4096, 1)&^7)
				rnd := rand.New(rand.NewPCG(seed, 1))
				rnd.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
				var v Verdict
				for i, p := range pieces {
					if v = b.arrive(0, eth0, p.octets(f.src, f.dst, 77)); v.Kind != Hold && i < len(pieces)-1 {
						t.Fatalf("%s, %d octets, seed %d: fragment %d of %d: %v (%v)", f.name, size, seed, i, len(pieces), v.Kind, v.Reason)
					}
				}
				if d := &v.Datagram; v.Kind != Deliver || !bytes.Equal(d.AppendTo(nil), payload) || d.IP.Proto != testProto || d.IP.IsFragment() {
					t.Fatalf("%s, %d octets, seed %d: %v (%v), %d octets", f.name, size, seed, v.Kind, v.Reason, v.Datagram.Len())
				}
				v.Datagram.Data.Release()
				b.empty()
			}
		}
	}
}

// empty checks that no fragment is kept.
func (b *bench) empty() {
	b.t.Helper()
	r := &b.frags
	if r.cost != 0 || len(r.byKey) != 0 || len(r.sources) != 0 || r.age[0].first != nil || r.age[1].first != nil || b.Deadline() != mono.Never {
		b.t.Errorf("fragments are left: %d octets, %d packets, %d sources, deadline %v", r.cost, len(r.byKey), len(r.sources), b.Deadline())
	}
}

// RFC 8200 §4.5: the headers before the fragment header come with the packet, and
// the last of them names what follows.
func TestRFC8200_4_5_FragmentsBehindHeaders(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	f := families[1]
	first := append(extension(wire.ProtoRouting, 1, 4, 0, 0, 0, 0), extension(wire.ProtoFragment, 4, 0, 0, 0, 0, 0)...)
	payload := pattern(100)
	var v Verdict
	for _, p := range cut(payload, 64) {
		headers := append(slices.Clone(first), make([]byte, 8)...)
		wire.PutFragment(headers[16:], testProto, p.start, p.more, 9)
		v = b.arrive(0, eth0, withHeaders(f.src, f.dst, wire.ProtoHopByHop, headers, testProto, p.data))
	}
	d := &v.Datagram
	first[8] = byte(testProto)
	if v.Kind != Deliver || !bytes.Equal(d.AppendTo(nil), payload) || d.IP.Proto != testProto || !bytes.Equal(d.IP.Extra, first) {
		t.Errorf("%v (%v): %+v", v.Kind, v.Reason, d.IP)
	}
	b.empty()
}

// RFC 3168 §5.3: congestion experienced by a fragment counts for the packet.
func TestFragmentsAndCongestion(t *testing.T) {
	const notECT, ect1, ect0, ce = 0, 1, 2, 3
	for _, c := range []struct {
		a, b, want uint8
		kind       Kind
	}{
		{notECT, notECT, notECT, Deliver}, {ect0, ect0, ect0, Deliver}, {ect0, ce, ce, Deliver}, {ce, ect1, ce, Deliver},
		{ce, notECT, 0, Drop}, {notECT, ce, 0, Drop}, {notECT, ect0, notECT, Deliver},
	} {
		for _, f := range families {
			b, _, eth0, _ := twoHomed(t)
			parts := cut(pattern(16), 8)
			first, second := parts[0].octets(f.src, f.dst, 1), parts[1].octets(f.src, f.dst, 1)
			setECN(first, c.a)
			setECN(second, c.b)
			b.arrive(0, eth0, first)
			v := b.arrive(0, eth0, second)
			if v.Kind != c.kind || v.Kind == Deliver && v.Datagram.IP.ECN() != c.want {
				t.Errorf("%s: %d and %d: %v (%v) with %d", f.name, c.a, c.b, v.Kind, v.Reason, v.Datagram.IP.ECN())
			}
			b.empty()
		}
	}
}

func setECN(b []byte, ecn uint8) {
	if b[0]>>4 == 6 {
		b[1] = b[1]&^0x30 | ecn<<4
		return
	}
	b[1] = b[1]&^3 | ecn
	b[10], b[11] = 0, 0
	sum := wire.Sum(0).Add(b[:20]).Checksum()
	b[10], b[11] = byte(sum>>8), byte(sum)
}

// RFC 8200 §4.5: if not all fragments come within 60 seconds, what came is
// discarded, and the sender is told if the first one was among it. The same for
// IPv4 (RFC 1122 §3.3.2) after 30 seconds.
func TestRFC1122_3_3_2_FragmentsTimeOut(t *testing.T) {
	for _, f := range families {
		after := mono.Time(30 * time.Second)
		if f.name == "IPv6" {
			after *= 2
		}
		for _, which := range []int{0, 1} {
			b, _, eth0, _ := twoHomed(t)
			p := cut(pattern(40), 16)[which].octets(f.src, f.dst, 9)
			b.want(1, eth0, p, Hold, NotDropped)
			if b.Deadline() != after+1 {
				t.Errorf("%s: deadline %v", f.name, b.Deadline())
			}
			b.Expire(after)
			if b.Drops()[FragmentTimeout] != 0 {
				t.Errorf("%s: gave up too early", f.name)
			}
			b.Expire(after + 1)
			if b.empty(); b.Drops()[FragmentTimeout] != 1 {
				t.Errorf("%s: %d timeouts counted", f.name, b.Drops()[FragmentTimeout])
			}
			if which == 1 {
				b.none(after)
				continue
			}
			s := b.one(after)
			if s.ip.Dst != addr(f.src) || s.ip.Src != addr(f.dst) || s.body[1] != wire.ICMPReassembly || !bytes.Equal(s.body[8:], p) {
				t.Errorf("%s: says %x about %x", f.name, s.body, p)
			}
		}
	}
}

// twin is reassembly as one would write it without a care: it remembers the
// fragments of one packet and looks at all of them each time.
type twin struct {
	pieces []piece
	spoilt bool
}

func (w *twin) add(f piece) (whole []byte, why Reason) {
	if w.spoilt {
		return nil, FragmentOverlap
	}
	why = w.check(f)
	if why == FragmentCopy {
		return nil, why
	}
	if why != NotDropped {
		w.spoilt = true
		return nil, why
	}
	w.pieces = append(w.pieces, f)
	return w.whole(), NotDropped
}

func (w *twin) check(f piece) Reason {
	end := f.start + len(f.data)
	if len(f.data) == 0 {
		return FragmentBad
	}
	for _, g := range w.pieces {
		last := g.start + len(g.data)
		if !g.more && (end > last || !f.more && end != last) || !f.more && last > end {
			return FragmentBad
		}
	}
	for _, g := range w.pieces {
		if g.start == f.start && bytes.Equal(g.data, f.data) {
			return FragmentCopy
		}
	}
	for _, g := range w.pieces {
		if f.start < g.start+len(g.data) && g.start < end {
			return FragmentOverlap
		}
	}
	return NotDropped
}

func (w *twin) whole() []byte {
	var all []byte
next:
	for {
		for _, g := range w.pieces {
			if g.start == len(all) {
				if all = append(all, g.data...); !g.more {
					return all
				}
				continue next
			}
		}
		return nil
	}
}

// FuzzReassembly hands in fragments as the input says, of two packets at once, and
// compares every verdict with that of the twin.
func FuzzReassembly(f *testing.F) {
	f.Add(false, []byte{0, 0, 8, 1, 8, 0})
	f.Add(true, []byte{0, 0, 40, 1, 8, 0, 0, 0, 40, 1, 4, 0})
	f.Add(false, []byte{0x80, 255, 255, 0, 255, 200, 0x40, 1, 9})
	f.Fuzz(func(t *testing.T, is6 bool, in []byte) {
		b, _, eth0, _ := twoHomed(t)
		family := families[truth(is6)]
		twins := map[uint32]*twin{1: {}, 2: {}}
		for ; len(in) >= 3; in = in[3:] {
			id := 1 + uint32(in[0]&1)
			p := piece{start: int(in[0]>>4)*4096 + int(in[1])*8, more: in[2]&1 == 0}
			n := 1 + int(in[2]>>1)*(1+int(in[0]>>1&7)*9)
			if p.more {
				n = (n + 7) &^ 7
			}
			if p.start == 0 && !p.more || p.start+n > 60000 {
				continue // not a fragment, or one that package wire refuses
			}
			p.data = pattern(n + p.start)[p.start:]
			if in[0]&6 == 6 {
				p.data[0] ^= 1 // a copy that is not one
			}
			v := b.arrive(0, eth0, p.octets(family.src, family.dst, id))
			whole, why := twins[id].add(p)
			if v.Reason != why || whole != nil && !bytes.Equal(v.Datagram.AppendTo(nil), whole) || (whole != nil) != (v.Kind == Deliver) {
				t.Fatalf("octets %d to %d, more %v: %v (%v) with %d octets; the twin says %v, %d octets",
					p.start, p.start+n, p.more, v.Kind, v.Reason, v.Datagram.Len(), why, len(whole))
			}
			if whole != nil {
				twins[id] = &twin{}
			}
			b.bounded()
		}
	})
}

// bounded checks that the caps of the reassembly hold and that its books are right.
func (b *bench) bounded() {
	b.t.Helper()
	r := &b.frags
	total, count := 0, 0
	for _, age := range r.age {
		for k := age.first; k != nil; k = k.next {
			cost := partialCost + len(k.of.header)
			for _, g := range k.of.pages {
				cost += truth(g != nil) * pageCost
			}
			if cost != k.of.cost || k.of.spoilt && cost != partialCost {
				b.t.Fatalf("an entry costs %d octets, its books say %d", cost, k.of.cost)
			}
			total += cost
			count++
		}
	}
	sum := 0
	for a, s := range r.sources {
		if sum += s.cost; s.cost > r.perSource {
			b.t.Fatalf("%v has %d octets of %d", a, s.cost, r.perSource)
		}
	}
	if total != r.cost || sum != r.cost || r.cost > r.total || count != len(r.byKey) || r.spare > maxSparePages {
		b.t.Fatalf("%d octets in %d entries; books: %d and %d in %d; limit %d; %d spare pages", total, count, r.cost, sum, len(r.byKey), r.total, r.spare)
	}
}

// BenchmarkFragment adds a fragment while so many packets wait for theirs: the cost
// must not grow with their number.
func BenchmarkFragment(b *testing.B) {
	for _, waiting := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			n, _, eth0, _ := twoHomed(b)
			n.frags = newReassembly(1<<30, 1<<20)
			p := piece{0, pattern(1480), true}.octets("203.0.113.9", "192.0.2.5", 1)
			h := between("203.0.113.9", "192.0.2.5", testProto)
			for i := range waiting {
				setSource(p, uint32(i))
				n.arrive(0, eth0, p)
			}
			_ = h
			parts := cut(pattern(2960), 1480)
			first, last := parts[0].octets("198.18.0.1", "192.0.2.5", 5), parts[1].octets("198.18.0.1", "192.0.2.5", 5)
			b.ReportAllocs()
			for b.Loop() {
				n.arrive(0, eth0, first)
				if v := n.arrive(0, eth0, last); v.Kind != Deliver {
					b.Fatal(v.Reason)
				} else {
					v.Datagram.Data.Release()
				}
			}
		})
	}
}

// setSource makes an IPv4 packet one from another source.
func setSource(b []byte, n uint32) {
	a := netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)}).As4()
	copy(b[12:16], a[:])
	b[10], b[11] = 0, 0
	sum := wire.Sum(0).Add(b[:20]).Checksum()
	b[10], b[11] = byte(sum>>8), byte(sum)
}
