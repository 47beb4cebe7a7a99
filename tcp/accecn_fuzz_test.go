package tcp

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

// FuzzAccECN lets a connection that counts marks meet whatever a peer and a path can
// say: any ECN field, any ACE field, any option, in any order. The counters of octets
// it is told of stay within what was delivered, what it tells fits into a header, and
// the window stays one that data can pass.
func FuzzAccECN(f *testing.F) {
	f.Add(false, []byte{})
	f.Add(true, []byte("\x05\x02\x00\x00\x01\x03\x06\x03\x01\x02\x03\x04"))
	f.Add(true, []byte("\x00\x03\xff\xff\xff\xff\x07\x03\x80\x00\x00\x00\x02\x01\x40\x10\x20\x30"))
	f.Fuzz(func(t *testing.T, passive bool, script []byte) {
		script = script[:min(len(script), 6*100)]
		var tape tapeControl
		var s *story
		if passive {
			s = newStory(t, counting, taped(&tape)).passive("SEWN 0 <mss 1000 sackOK>").ignore().in("A2 1 ack 1")
		} else {
			s = newStory(t, counting, taped(&tape)).active().ignore().in("SAW 0 ack 1 <mss 1000 sackOK>")
		}
		s.ignore()
		for seq := 1; len(script) >= 6 && s.tcb.State() == Established; script = script[6:] {
			s.wait(time.Millisecond).ignore()
			if s.tcb.Ready()&Writable != 0 {
				s.tcb.Send(s.now, make([]byte, 3000))
			}
			s.checkCounters().ignore()
			seq = s.anything(script, seq)
			s.checkCounters().ignore()
			s.tcb.Receive(s.now, make([]byte, 4000))
			s.checkCounters().ignore()
		}
		delivered := 0
		for _, a := range tape.acks {
			if a.ECE < 0 || a.ECE > a.Octets {
				t.Fatalf("%d of %d octets are said to be marked", a.ECE, a.Octets)
			}
			delivered += a.Octets
		}
		if got := tape.told(); got > delivered {
			t.Fatalf("%d of %d octets are said to be marked", got, delivered)
		}
	})
}

// anything lets a segment arrive that six octets of a script describe, and returns
// the number of the peer's next octet.
func (s *story) anything(script []byte, seq int) int {
	what, x := script[0], binary.BigEndian.Uint32(script[2:])
	inflight := s.tcb.snd.nxt.Sub(s.tcb.snd.una)
	ack := s.tcb.snd.una.Sub(s.open.ISS) + int(x>>24)*inflight/255
	n := 0
	if what&0x10 != 0 {
		n = 1 + int(script[1]>>2)*40
	}
	at := seq
	if what&0x20 != 0 {
		at += 1000 // out of order
	}
	seg := s.parse(sprintf("A%d %d+%d ack %d ecn %d", what&7, at, n, ack, script[1]&3))
	seg.Piece = uint16(x) & 0x3ff
	if what&0x40 != 0 {
		seg.Options.Has |= wire.HasAccECN0 << (what >> 7)
		seg.Options.AccECN = wire.AccECN{N: script[1] >> 2 & 3, E0B: x & 0xffffff, CEB: x >> 8, E1B: x << 4 & 0xffffff}
	}
	s.tcb.Arrive(s.now, &seg)
	seg.Payload.Release()
	s.collect()
	if what&0x20 == 0 {
		seq = s.tcb.rcv.nxt.Sub(s.irs)
	}
	return seq
}

// checkCounters looks at what leaves.
func (s *story) checkCounters() *story {
	s.t.Helper()
	s.collect()
	a := s.tcb.acc
	for i := range s.outs {
		seg := &s.outs[i]
		o := &seg.Options
		if n := seg.Payload.Len() + o.Size(); seg.Payload.Len() > 0 && n > s.tcb.MSS() || o.Size() > wire.MaxTCPOptions {
			s.t.Fatalf("%d octets of payload, %d of options: %s", seg.Payload.Len(), o.Size(), s.show(seg))
		}
		if seg.ECN == ce || seg.ECN != notECT && seg.Payload.Len() == 0 {
			s.t.Fatalf("left with ECN %d: %s", seg.ECN, s.show(seg))
		}
	}
	if n := len(s.outs); n > 0 && a != nil && s.tcb.State() == Established {
		if last := &s.outs[n-1]; ace(last.Flags) != uint8(a.r.packets&7) && a.shake == 0 {
			s.t.Fatalf("counted %d, told %d", a.r.packets, ace(last.Flags))
		}
	}
	return s
}
