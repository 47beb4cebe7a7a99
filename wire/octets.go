package wire

import "github.com/octet-net/octet/chunk"

// Octets are a packet, or what is left of one, as the Parse functions read it:
// Head followed by Data. All headers lie together: in Head, as with a packet of
// our own, or, where Head is empty, at the front of Data.
//
// A Parse function that finds a payload moves it out of Data, reference and all. If
// some of it lies in Head, it is borrowed: who keeps it calls Own. After a fault the
// octets are still there.
type Octets struct {
	Head []byte
	Data chunk.View
}

// Plain returns octets that lie in one piece, borrowed from b.
func Plain(b []byte) Octets { return Octets{Data: chunk.Borrow(b)} }

// Len returns the number of octets.
func (o *Octets) Len() int { return len(o.Head) + len(o.Data.B) }

// Front returns the piece that holds the headers.
func (o *Octets) Front() []byte {
	if len(o.Head) > 0 {
		return o.Head
	}
	return o.Data.B
}

// Pull drops the first n octets, at most all there are.
func (o *Octets) Pull(n int) {
	n = max(n, 0)
	k := min(n, len(o.Head))
	o.Head = o.Head[k:]
	if n > k {
		o.Data.Trim(min(n-k, len(o.Data.B)), len(o.Data.B))
	}
}

// Cut drops what follows the first n octets.
func (o *Octets) Cut(n int) {
	n = max(n, 0)
	if n <= len(o.Head) {
		o.Head = o.Head[:n]
		o.Data.Trim(0, 0)
	} else if n -= len(o.Head); n < len(o.Data.B) {
		o.Data.Trim(0, n)
	}
}

// Sum returns the partial checksum of all octets.
func (o *Octets) Sum() Sum { return Sum(0).Add(o.Head).Add(o.Data.B) }

// AppendTo appends the octets to b.
func (o *Octets) AppendTo(b []byte) []byte {
	return append(append(b, o.Head...), o.Data.B...)
}

// take moves what follows the first n octets out of o.
func (o *Octets) take(n int) chunk.View {
	o.Pull(n)
	if len(o.Head) > 0 {
		o.gather()
	}
	v := o.Data
	o.Data = chunk.View{}
	return v
}

// gather puts all octets into Data, where Head holds more than headers. That is so
// only in small packets of our own, such as ICMP messages, so a copy is no harm.
func (o *Octets) gather() {
	b := o.Head
	if len(o.Data.B) > 0 {
		b = o.AppendTo(make([]byte, 0, o.Len()))
	}
	o.Data.Release()
	o.Head, o.Data = nil, chunk.Borrow(b)
}
