package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

const (
	dupThresh   = 3  // RFC 8985 §6.2 step 4, RFC 6582 §2
	dsackFree   = 16 // recoveries without DSACK that reset the window
	mostRackMul = 255
)

// rack detects losses by time: what was sent a reordering window before
// something that has arrived is lost (RFC 8985 §6).
type rack struct {
	newest    moment        // RACK.xmit_ts and RACK.end_seq
	rtt       time.Duration // RACK.rtt: of newest
	fack      wire.Seq      // RACK.fack
	round     wire.Seq      // RACK.dsack_round, if inRound
	inRound   bool
	seen      bool  // newest is valid
	reordered bool  // RACK.reordering_seen
	mult      uint8 // RACK.reo_wnd_mult
	persist   uint8 // RACK.reo_wnd_persist
}

// update takes in what an acknowledgement delivered (RFC 8985 §6.2 steps 2 and 3).
func (k *rack) update(h *harvest) {
	k.fack = h.fack
	k.reordered = k.reordered || h.disorder
	if !h.any {
		return
	}
	k.rtt = h.now.Sub(h.newest.at)
	if !k.seen || k.newest.before(h.newest) {
		k.newest, k.seen = h.newest, true
	}
}

// adapt grows the window, once in a round trip, when a DSACK tells that something
// was sent again needlessly, and lets it fall back after 16 recoveries without
// (RFC 8985 §6.2 step 4). ended says that a recovery ends with this acknowledgement.
func (k *rack) adapt(una, nxt wire.Seq, dsack, ended bool) {
	if k.inRound && k.round.LessEq(una) {
		k.inRound = false
	}
	switch {
	case dsack && !k.inRound:
		k.round, k.inRound = nxt, true
		k.mult = min(k.mult+1, mostRackMul-1)
		k.persist = dsackFree
	case ended && k.persist > 0:
		if k.persist--; k.persist == 0 {
			k.mult = 0
		}
	}
}

// window is RACK_update_reo_wnd (RFC 8985 §6.2 step 4). mult counts from 0 here.
func (k *rack) window(least, srtt time.Duration, sacked int, recovering bool) time.Duration {
	if !k.reordered && (recovering || sacked >= dupThresh) {
		return 0
	}
	return min(time.Duration(k.mult+1)*least/4, srtt)
}

// cut returns the moment up to which transmissions are lost at now.
func (k *rack) cut(now mono.Time, window time.Duration) mono.Time {
	return now.Add(-k.rtt - window)
}
