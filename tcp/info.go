package tcp

import (
	"time"

	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// Info is a copy of everything that can be observed in a connection. Amounts are
// octets unless they are named otherwise.
type Info struct {
	State State
	Err   Reason

	MSS, PeerMSS, PathMSS    int
	SACK, Timestamps, Scaled bool
	ECN                      ECN   // what both ends agreed on
	ECT                      uint8 // ECN field of packets with new octets: 0, or 1 or 2 if routers may mark them
	SendScale, ReceiveScale  uint8

	SndUna, SndNxt wire.Seq
	SndWnd         int
	RcvNxt         wire.Seq
	RcvWnd         int

	SendQueued, SendBuffer       int // octets not yet acknowledged, and the limit
	ReceiveQueued, ReceiveBuffer int // octets not yet read, and the limit
	OutOfOrder, OutOfOrderRanges int
	Inflight                     int
	SRTT, RTTVar, MinRTT, RTO    time.Duration
	Backoff                      int
	Congestion                   cc.State
	FastOpen                     FastOpening // RFC 7413
	Counts                       Counts
}

// Counts are what a connection did since it began.
type Counts struct {
	SegmentsIn, SegmentsOut   uint64
	OctetsIn, OctetsOut       uint64 // payload, repetitions included
	Retransmits               uint64 // segments
	Timeouts, FastRecoveries  uint64
	Marks                     uint64 // episodes that began with a mark instead of a loss (RFC 3168)
	MarkedIn                  uint64 // packets that arrived marked
	MarkedOut                 uint64 // packets of ours that did, as far as the peer counts (RFC 9768)
	Spurious                  uint64 // episodes undone
	DuplicatesIn, ReorderedIn uint64 // segments
	Probes                    uint64
	Illegal                   uint64 // transitions that RFC 9293 does not know: always zero
	SizeProbes, BlackHoles    uint64 // probes for a larger segment size; times full segments were found not to pass (RFC 4821)
	Drops                     [dropReasons]uint32
}

// numbers are Counts in less memory: what happens to every segment is counted in
// 64 bits, the rest in 32, and drops from the first one on.
type numbers struct {
	SegmentsIn, SegmentsOut   uint64
	OctetsIn, OctetsOut       uint64
	Retransmits               uint32
	Timeouts, FastRecoveries  uint32
	Marks, Spurious           uint32
	MarkedIn, MarkedOut       uint32
	DuplicatesIn, ReorderedIn uint32
	Probes, Illegal           uint32
	SizeProbes, BlackHoles    uint32
	drops                     *[dropReasons]uint32 // nil before the first
}

func (c *numbers) drop(why Drop) {
	if c.drops == nil {
		c.drops = new([dropReasons]uint32)
	}
	c.drops[why]++
}

func (c *numbers) all() Counts {
	a := Counts{
		SegmentsIn: c.SegmentsIn, SegmentsOut: c.SegmentsOut,
		OctetsIn: c.OctetsIn, OctetsOut: c.OctetsOut,
		Retransmits: uint64(c.Retransmits),
		Timeouts:    uint64(c.Timeouts), FastRecoveries: uint64(c.FastRecoveries),
		MarkedIn: uint64(c.MarkedIn), MarkedOut: uint64(c.MarkedOut),
		Marks: uint64(c.Marks), Spurious: uint64(c.Spurious),
		DuplicatesIn: uint64(c.DuplicatesIn), ReorderedIn: uint64(c.ReorderedIn),
		Probes: uint64(c.Probes), Illegal: uint64(c.Illegal),
		SizeProbes: uint64(c.SizeProbes), BlackHoles: uint64(c.BlackHoles),
	}
	if c.drops != nil {
		a.Drops = *c.drops
	}
	return a
}

// Info returns the copy.
func (t *TCB) Info() Info {
	s, r, l := &t.snd, &t.rcv, &t.loss
	i := Info{
		State: t.state, Err: t.reason,
		MSS: s.mss, PeerMSS: s.peerMSS, PathMSS: s.pathMSS,
		SACK: t.opt.sack, Timestamps: t.opt.ts, Scaled: t.opt.scale,
		SendScale: s.scale, ReceiveScale: r.scale,
		SndUna: s.una, SndNxt: s.nxt, SndWnd: s.wnd,
		RcvNxt: r.nxt, RcvWnd: r.window(),
		SendQueued: s.queue.len(), SendBuffer: s.limit,
		ReceiveQueued: r.queue.n, ReceiveBuffer: r.limit,
		Inflight: l.inflight(),
		SRTT:     l.rtt.srtt, RTTVar: l.rtt.rttvar, MinRTT: l.rtt.minimum(),
		RTO: l.rtt.rto(&t.cfg.Recovery), Backoff: int(l.rtt.doubled),
		FastOpen: t.FastOpening(),
		Counts:   t.counts.all(),
	}
	i.ECN = t.ecn.mode
	switch i.ECN {
	case ClassicECN:
		i.ECT = ect0
	case AccurateECN:
		i.ECT = t.acc.ect
	}
	if r.early != nil {
		i.OutOfOrder, i.OutOfOrderRanges = r.early.octets, r.early.spans.n
	}
	if t.cc != nil {
		i.Congestion = t.cc.State()
	}
	return i
}

// Drop says why a segment that arrived was not processed.
type Drop uint8

// The reasons for dropping a segment, or part of one.
const (
	DropWindow  Drop = iota // outside the receive window
	DropPAWS                // old timestamp (RFC 7323 §5)
	DropNoTS                // timestamp missing (RFC 7323 §3.2)
	DropReset               // reset that did not hit RCV.NXT (RFC 5961 §3)
	DropSYN                 // SYN in a synchronized state (RFC 5961 §4)
	DropAck                 // acknowledges what was never sent, or too old (RFC 5961 §5)
	DropNoAck               // no ACK bit
	DropState               // nothing of it has a meaning in this state
	DropMemory              // out-of-order data beyond the bound
	DropNotice              // ICMP message that RFC 5927 does not believe
	dropReasons int  = iota
)
