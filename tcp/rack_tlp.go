package tcp

import (
	"time"

	"github.com/octet-net/octet/wire"
)

// tlp sends one probe when acknowledgements fail to come, so that the loss of a
// flight's tail is found without a retransmission timeout (RFC 8985 §7).
type tlp struct {
	state    tlpState
	repeated bool     // TLP.is_retrans: the probe in flight repeated octets
	spent    bool     // no round trip was sampled since the last probe
	end      wire.Seq // TLP.end_seq, valid while a probe is in flight
}

type tlpState uint8

const (
	tlpIdle   tlpState = iota
	tlpDue             // the timer expired: a probe is to be sent
	tlpFlying          // a probe is in flight
)

// may reports whether a probe may be sent: at most one is in flight, and one
// round trip was sampled since the last (RFC 8985 §7.3).
func (p *tlp) may() bool { return p.state == tlpIdle && !p.spent }

// pto is TLP_calc_PTO (RFC 8985 §7.2) for flight octets outstanding.
func (p *tlp) pto(srtt time.Duration, flight, mss int, ackDelay time.Duration) time.Duration {
	if srtt == 0 {
		return time.Second
	}
	d := 2 * srtt
	if flight <= mss {
		d += ackDelay
	}
	return d
}

// sent notes the probe; nxt is SND.NXT after it.
func (p *tlp) sent(nxt wire.Seq, repeated bool) {
	*p = tlp{state: tlpFlying, repeated: repeated, spent: true, end: nxt}
}

// repeats reports whether d is what the probe in flight repeated.
func (p *tlp) repeats(d wire.Range) bool {
	return p.state == tlpFlying && p.repeated && d.End == p.end
}

// acked is TLP_process_ack (RFC 8985 §7.4.2). It reports whether the probe repaired
// a loss that must be answered like any other. dsack and dup say whether the
// acknowledgement tells of the probe twice, by a DSACK or by being a duplicate.
func (p *tlp) acked(ack wire.Seq, dsack, dup bool) (repaired bool) {
	if p.state != tlpFlying || ack.Less(p.end) {
		return false
	}
	switch {
	case !p.repeated: // new octets: RACK tells what the ACK means
	case dsack: // both transmissions arrived
	case p.end.Less(ack):
		repaired = true
	case dup: // the peer has no DSACK, but its duplicate ACK means the same
	default:
		return false // the first of the two; wait for what tells whether the other came too
	}
	p.state = tlpIdle
	return repaired
}
