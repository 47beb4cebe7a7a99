package tcp

// reno counts duplicate acknowledgements of a peer without SACK (RFC 6582).
type reno struct {
	dups int // since SND.UNA last moved outside of recovery
	left int // octets that duplicate ACKs showed to have arrived, unknown which
}

func (n *reno) reset() { *n = reno{} }

// duplicate counts one, which stands for a segment that arrived. Not more than
// what was sent beyond the first segment can have arrived: forged duplicates
// do not make room for more (Savage 1999).
func (n *reno) duplicate(b *scoreboard, mss int) (octets int) {
	n.dups++
	octets = min(mss, b.outstanding()-min(mss, b.outstanding())-n.left)
	octets = max(octets, 0)
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
