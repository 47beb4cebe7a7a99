package tcp

import (
	"encoding/binary"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// SYN cookies (RFC 4987 §3.6) let a listener that is flooded answer SYNs without
// keeping anything: what it must know later is in the numbers of its SYN-ACK,
// which only who received it can repeat.
//
//	initial sequence number      timestamp, if the peer offers the option
//	 31..29  28    27......0      31........6  5   4    3..0
//	┌──────┬──────┬─────────┐    ┌───────────┬───┬────┬───────┐
//	│ MSS  │ slot │ MAC     │    │ clock     │ECN│SACK│ scale │
//	└──────┴──────┴─────────┘    └───────────┴───┴────┴───────┘
//
// The MAC covers the addresses and ports, the peer's number, the slot of time,
// the MSS and the bits of the timestamp, so that none of it can be changed. A
// guess hits it once in 2²⁸ times.

const (
	cookieSlot = 64 * time.Second // a cookie lives to the end of the slot after its own
	cookieMAC  = 1<<28 - 1
	hintBits   = 1<<6 - 1
	hintSACK   = 1 << 4
	hintECN    = 1 << 5
	hintNone   = 15      // no scale: RFC 7323 §2.3 ends at 14
	hintStamp  = 1 << 6  // in the MAC alone: the peer has timestamps
	longCookie = 48 + 14 // octets that are hashed
)

// CookieLife is how long a SYN cookie can be accepted at most.
const CookieLife = 2 * cookieSlot

// cookieMSS are the segment sizes that a cookie can tell: the least of common
// profiles, the defaults of IPv4 and IPv6 (RFC 9293 §3.7.1), tunnels, Ethernet
// with both, and large frames. The peer's is rounded down.
var cookieMSS = [8]uint16{216, 536, 1220, 1360, 1400, 1440, 1460, 8940}

// MakeCookie fills out with the SYN-ACK that answers a SYN without any state.
// key is 128 random bits of the host, name the addresses and ports, at most 48
// octets; o is what a connection would be opened with, its ISS aside.
func MakeCookie(now mono.Time, cfg *Config, key [16]byte, name []byte, o Opening, syn, out *wire.Segment) {
	hints := cookieHints(cfg, syn)
	index := cookieIndex(o, syn)
	*out = wire.Segment{
		Seq: cookie(key, name, syn.Seq, slotOf(now), index, hints), Ack: syn.Seq.Add(1),
		Flags:  wire.SYN | wire.ACK,
		Window: uint16(min(cfg.ReceiveBuffer.Initial, cfg.maxWindow(), 65535)),
	}
	p := &out.Options
	p.Has, p.MSS = wire.HasMSS, uint16(min(o.RecvMSS, 65535))
	if answered(cfg.AcceptECN, syn.Flags) == AccurateECN {
		newAccECN(syn.ECN).agree(out, true)
	}
	if hints&hintStamp == 0 {
		return // nowhere to keep the rest
	}
	clock := millis(now) + o.TSOffset
	p.Has |= wire.HasTimestamp
	p.TSEcr = syn.Options.TSVal
	if p.TSVal = clock&^hintBits | hints&hintBits; int32(p.TSVal-clock) > 0 {
		p.TSVal -= hintBits + 1 // it must not run ahead of what is sent later (RFC 7323 §5.4)
	}
	if hints&hintNone != hintNone {
		p.Has |= wire.HasScale
		p.Scale = cfg.scale()
	}
	if hints&hintSACK != 0 {
		p.Has |= wire.HasSACKPermitted
	}
	if hints&hintECN != 0 {
		out.Flags |= wire.ECE
	}
}

// CheckCookie reports whether an ACK answers a cookie of the last two slots, and
// fills syn with what it says of the SYN of then.
func CheckCookie(now mono.Time, key [16]byte, name []byte, ack, syn *wire.Segment) bool {
	if ack.Flags&(wire.ACK|wire.SYN|wire.RST) != wire.ACK {
		return false
	}
	told := ack.Ack.Add(-1)
	index := uint8(told >> 29)
	slot := slotOf(now)
	if slot&1 != uint64(told>>28&1) {
		slot--
	}
	hints := uint32(hintNone)
	if ack.Options.Has&wire.HasTimestamp != 0 {
		hints = hintStamp | ack.Options.TSEcr&hintBits
	}
	irs := ack.Seq.Add(-1)
	if cookie(key, name, irs, slot, index, hints) != told {
		return false
	}
	*syn = wire.Segment{Seq: irs, Flags: wire.SYN, Window: ack.Window}
	p := &syn.Options
	p.Has, p.MSS = wire.HasMSS, cookieMSS[index]
	if hints&hintStamp != 0 {
		p.Has |= wire.HasTimestamp
		p.TSVal = ack.Options.TSVal
	}
	if hints&hintNone != hintNone {
		p.Has |= wire.HasScale
		p.Scale = uint8(hints & hintNone)
	}
	if hints&hintSACK != 0 {
		p.Has |= wire.HasSACKPermitted
	}
	switch {
	case hints&hintECN != 0:
		syn.Flags |= wire.ECE | wire.CWR
	case ace(ack.Flags) >= shakeNotECT: // RFC 9768 §5.1: no other peer answers so
		syn.Flags |= aceBits
	}
	return true
}

// AcceptCookie opens the connection whose SYN CheckCookie has recovered from an
// ACK. The ACK itself is still to arrive, and ends the handshake.
func AcceptCookie(now mono.Time, cfg *Config, o Opening, syn, ack *wire.Segment) *TCB {
	o.ISS = ack.Ack.Add(-1)
	if syn.Flags.Has(aceBits) && cfg.AcceptECN != AccurateECN {
		syn.Flags &^= aceBits // the cookie did not agree to that
	}
	t := Accept(now, cfg, o, syn)
	t.out.syn = false
	t.snd.nxt = ack.Ack
	t.rcv.edge = t.rcv.nxt.Add(t.rcv.offered()) // as the SYN-ACK had it
	t.timers.tries = 2                          // nobody knows whether the first was answered: no round trip is measured
	return t
}

// cookieHints gathers what the peer offers and we want too.
func cookieHints(cfg *Config, syn *wire.Segment) uint32 {
	has := syn.Options.Has
	if !cfg.Timestamps || has&wire.HasTimestamp == 0 {
		return hintNone
	}
	h := uint32(hintStamp | hintNone)
	if cfg.WindowScale && has&wire.HasScale != 0 {
		h = hintStamp | uint32(min(syn.Options.Scale, 14))
	}
	if cfg.SACK && has&wire.HasSACKPermitted != 0 {
		h |= hintSACK
	}
	if answered(cfg.AcceptECN, syn.Flags) == ClassicECN {
		h |= hintECN
	}
	return h
}

// cookieIndex returns which segment size comes next below the peer's.
func cookieIndex(o Opening, syn *wire.Segment) (index uint8) {
	mss := o.DefaultMSS
	if syn.Options.Has&wire.HasMSS != 0 {
		mss = int(syn.Options.MSS)
	}
	for i, x := range cookieMSS {
		if int(x) <= mss {
			index = uint8(i)
		}
	}
	return index
}

// cookie computes the initial sequence number.
func cookie(key [16]byte, name []byte, irs wire.Seq, slot uint64, index uint8, hints uint32) wire.Seq {
	var b [longCookie]byte
	n := copy(b[:48], name)
	binary.BigEndian.PutUint32(b[n:], uint32(irs))
	binary.BigEndian.PutUint64(b[n+4:], slot)
	b[n+12], b[n+13] = index, byte(hints)
	mac := uint32(siphash(key, b[:n+14])) & cookieMAC
	return wire.Seq(uint32(index)<<29 | uint32(slot&1)<<28 | mac)
}

func slotOf(now mono.Time) uint64 { return uint64(now) / uint64(cookieSlot) }
