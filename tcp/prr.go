package tcp

// prr spreads the reduction of the window over a recovery in proportion to what
// is delivered, and lets the flight grow back to the target if losses took it
// below (RFC 9937). Amounts are octets.
type prr struct {
	flight    int  // RecoverFS
	delivered int  // prr_delivered
	out       int  // prr_out
	room      int  // what is left of sndcnt: how much may still be sent in response
	on        bool // an episode is going on that it governs
}

// begin starts an episode. flight is FlightSize less what had been sacked before
// the acknowledgement that begins it, as that will not be delivered again.
func (p *prr) begin(flight int) { *p = prr{flight: flight, on: true} }

// end leaves the window to the congestion control.
func (p *prr) end() { p.on = false }

// sent counts octets that left.
func (p *prr) sent(octets int) {
	if p.on {
		p.out += octets
		p.room -= octets
	}
}

// acked decides how much may be sent in response to an acknowledgement that
// delivered some octets. safe is RFC 9937's SafeACK: it advanced SND.UNA and
// showed no further loss.
func (p *prr) acked(delivered, pipe, ssthresh, mss int, safe bool) {
	p.delivered += delivered
	n := 0
	switch {
	case delivered == 0 && p.out > 0:
		return // nothing left the network: nothing may enter it
	case pipe > ssthresh:
		// Proportional rate reduction.
		n = (p.delivered*ssthresh+p.flight-1)/max(p.flight, 1) - p.out
	default:
		// PRR-CRB: conserve packets. With a safe ACK PRR-SSRB: one segment
		// more, as in slow start. Never beyond the target.
		n = max(p.delivered-p.out, delivered)
		if safe {
			n += mss
		}
		n = min(n, ssthresh-pipe)
	}
	if p.out == 0 {
		n = max(n, mss) // force a fast retransmit upon entering recovery: a whole segment, not some octets
	}
	p.room = max(n, 0)
}
