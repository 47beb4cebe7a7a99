package tcp

// reno counts duplicate acknowledgements of a peer without SACK (RFC 6582).
type reno struct {
	dups int // since SND.UNA last moved outside of recovery
	left int // octets that duplicate ACKs showed to have arrived, unknown which
	most int // bound of left: the flight when recovery began, 0 outside of it
}

func (n *reno) reset() { *n = reno{} }

// duplicate counts one, which stands for a segment that arrived, and returns its
// octets. Forged duplicates buy no more than honest ones could (Savage 1999):
// what was in flight when recovery began, but for the segment that is missing,
// and before that the segments that begin it.
func (n *reno) duplicate(b *scoreboard, mss int) (octets int) {
	n.dups++
	most := n.most
	if most == 0 {
		most = (dupThresh + 1) * mss
	}
	octets = max(0, min(mss, min(most, b.outstanding())-mss-n.left))
	n.left += octets
	return octets
}

// advanced takes what an ACK that moves SND.UNA by acked had shown before by
// duplicates off the count: all but one segment, the one that filled the hole.
// It returns how much of acked is news.
func (n *reno) advanced(acked, mss int) (octets int) {
	told := min(n.left, acked-min(mss, acked))
	n.left -= told
	return acked - told
}

// gone returns the octets to take off the flight for duplicates.
func (n *reno) gone(b *scoreboard) int { return max(0, min(n.left, b.pipe()-b.repeats)) }
