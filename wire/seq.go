// Package wire turns octets into checked values and back.
//
// Every format has a Parse function that checks a packet once; what it returns
// can be used without further checks: no accessor of a checked value panics. The
// Put functions write a value as octets. The package keeps no state, knows no
// time and takes no decision about what it reads.
package wire

// Seq is a TCP sequence number. Comparisons are modulo 2³², so they mean
// something only for numbers less than 2³¹ apart (RFC 9293 §3.4).
type Seq uint32

// Add returns the number n octets after s.
func (s Seq) Add(n int) Seq { return s + Seq(uint32(n)) }

// Sub returns how many octets s lies after t, negative if before.
func (s Seq) Sub(t Seq) int { return int(int32(s - t)) }

// Less reports whether s comes before t.
func (s Seq) Less(t Seq) bool { return int32(s-t) < 0 }

// LessEq reports whether s comes before t or is equal to it.
func (s Seq) LessEq(t Seq) bool { return int32(s-t) <= 0 }

// In reports whether s lies in [start, start+n).
func (s Seq) In(start Seq, n int) bool { return uint64(uint32(s-start)) < uint64(max(n, 0)) }

// MaxSeq returns the later of two numbers.
func MaxSeq(a, b Seq) Seq {
	if a.Less(b) {
		return b
	}
	return a
}

// MinSeq returns the earlier of two numbers.
func MinSeq(a, b Seq) Seq {
	if b.Less(a) {
		return b
	}
	return a
}
