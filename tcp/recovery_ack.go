package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
)

// ack takes an acknowledgement in.
func (l *loss) ack(now mono.Time, in ackIn) (v verdict) {
	if l.inFlight == nil && in.ack == l.at && len(in.sack) == 0 {
		v.cc.Now, v.event.Now = now, now
		return v // nothing was under way, and nothing came that speaks of it
	}
	l.stir(now)
	before, una := l.episode, l.board.una
	v.cc.Now, v.cc.Prior = now, l.inflight()
	v.event = cc.Event{Now: now, Inflight: l.board.outstanding()}
	v.acked = in.ack.Sub(una)

	h := l.harvest(now, in.echo)
	blocks := sackBlocks{}
	l.take(&in, &h, &blocks, &v)
	l.sampleRTT(&in, &h, &v)
	l.deliver(&h, &v)
	l.rack.update(&h)
	l.rearm(now, &v)
	l.probeAcked(&in, &blocks, &v)
	l.exonerate(una, &in, &h, &blocks, &v)
	l.rack.adapt(l.board.una, l.board.nxt, blocks.dup && !blocks.ofProbe, before >= repairing && l.covered())
	l.detect(now, &v)
	l.judge(now, &v)
	if v.acked > 0 && l.timers.kind == timerNone {
		l.armProbe(now)
	}
	l.report(before, &v)
	return v
}

// take marks on the scoreboard what the acknowledgement covers.
func (l *loss) take(in *ackIn, h *harvest, blocks *sackBlocks, v *verdict) {
	if !l.sack {
		l.board.ack(in.ack, h)
		l.countDuplicates(in, v, h)
		return
	}
	blocks.sort(in.sack, in.ack, l.board.nxt)
	v.dsack, h.dsack = blocks.dup, blocks.dsack
	l.board.ack(in.ack, h)
	for _, b := range blocks.list[:blocks.n] {
		l.board.sack(b, h)
	}
}

// harvest returns the basket for what an acknowledgement delivers.
func (l *loss) harvest(now, echo mono.Time) harvest {
	h := newHarvest(now, echo.Add(clockGrain), l.rtt.minimum())
	h.fack, h.recover = l.rack.fack, l.recover
	return h
}

// countDuplicates does what SACK blocks tell for peers that send none.
func (l *loss) countDuplicates(in *ackIn, v *verdict, h *harvest) {
	switch {
	case v.acked > 0:
		h.octets = l.reno.advanced(v.acked, l.mss)
		if l.episode < repairing {
			l.reno.reset()
		}
	case in.dup && l.board.count() > 0:
		h.octets = l.reno.duplicate(&l.board, l.mss)
	}
}

// sampleRTT measures the round trip. Karn's algorithm (RFC 6298 §3): not with
// octets that were sent again, unless timestamps tell the transmissions apart
// (RFC 7323 §4.1: only if SND.UNA advances). An acknowledgement that reports a
// duplicate answers the repetition, but echoes the original: that had arrived, and
// its own acknowledgement was lost. The time since then is no round trip.
func (l *loss) sampleRTT(in *ackIn, h *harvest, v *verdict) {
	most := (h.octets + l.board.outstanding() - l.board.sacked) / max(h.octets, 1)
	switch {
	case !h.repeated && h.newestOne != mono.Never:
		v.cc.RTT = max(h.now.Sub(h.newestOne), leastRTT)
		l.rtt.least.take(h.now, v.cc.RTT)
		l.rtt.sample(h.now, h.now.Sub(h.oldest), most)
	case v.dsack && h.answered != mono.Never:
		v.cc.RTT = max(h.now.Sub(h.answered), leastRTT)
		l.rtt.sample(h.now, v.cc.RTT, most)
	case in.echo != mono.Never && v.acked > 0 && !v.dsack:
		v.cc.RTT = max(h.now.Sub(in.echo), leastRTT)
		l.rtt.sample(h.now, v.cc.RTT, most)
	default:
		return
	}
	l.tlp.spent = false
}

// deliver makes the rate sample.
func (l *loss) deliver(h *harvest, v *verdict) {
	v.cc.Octets, v.packets = h.octets, h.packets
	if h.octets == 0 {
		return
	}
	l.rate.deliver(h.now, h.octets)
	if h.any {
		v.cc.Rate, v.cc.Round = l.rate.sample(h.newest.at, h.stamp, l.rtt.minimum())
	}
}

// probeAcked looks whether the acknowledgement tells what became of a probe.
func (l *loss) probeAcked(in *ackIn, blocks *sackBlocks, v *verdict) {
	blocks.ofProbe = blocks.dup && l.tlp.repeats(blocks.dsack)
	dup := in.dup && v.acked == 0 && len(in.sack) == 0
	v.probed = l.tlp.acked(in.ack, blocks.ofProbe, dup)
}

// detect marks what is lost by the rule for the peer: RACK's, or that of RFC 6582.
func (l *loss) detect(now mono.Time, v *verdict) {
	n := 0
	if l.sack {
		if !l.rack.seen {
			return
		}
		window := l.reorderWindow()
		lost, wait := l.board.lose(l.rack.newest, l.rack.cut(now, window))
		if n = lost; wait != mono.Never {
			// RFC 8985 §6.2 step 5 waits for the last of them; we wait for the
			// first: each expiry marks at least one, and sooner.
			l.timers.set(wait.Add(l.rack.rtt+window), timerReorder)
		} else if l.timers.kind == timerReorder {
			l.timers.clear()
		}
	} else {
		n = l.detectReno(v)
	}
	v.lost += n
	l.lostMore(n)
}

// detectReno is RFC 6582 §3.2: the first segment is lost after three duplicates,
// and again the first after each partial acknowledgement.
func (l *loss) detectReno(v *verdict) int {
	switch {
	case l.episode == repairing:
		if v.acked > 0 && l.board.una.Less(l.recover) {
			return l.board.loseHead()
		}
	case l.episode == timedOut: // step 4: no fast retransmit
	case l.reno.dups == dupThresh && l.recover.Less(l.board.una):
		// Step 2: only if the ACK covers more than recover, as duplicates
		// of needless retransmissions look the same.
		return l.board.loseHead()
	}
	return 0
}

func (l *loss) lostMore(n int) {
	l.rate.lost += uint64(n)
	l.unsaid += n
}

// reorderWindow is RACK.reo_wnd.
func (l *loss) reorderWindow() (d time.Duration) {
	return l.rack.window(l.rtt.minimum(), l.rtt.srtt, l.board.sackedRecords, l.episode >= repairing)
}
