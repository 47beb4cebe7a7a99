package wire

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// pieces returns all ways to lay b into a head and data.
func pieces(b []byte) (all []Octets) {
	for i := range len(b) + 1 {
		o := Plain(bytes.Clone(b[i:]))
		o.Head = bytes.Clone(b[:i])
		all = append(all, o)
	}
	return all
}

func TestOctetsPullAndCut(t *testing.T) {
	b := []byte("abcdefgh")
	for n := -1; n <= len(b)+1; n++ {
		k := min(max(n, 0), len(b))
		for _, o := range pieces(b) {
			o.Pull(n)
			if got := string(o.AppendTo(nil)); got != string(b[k:]) || o.Len() != len(b)-k {
				t.Errorf("Pull(%d) left %q of %d octets", n, got, o.Len())
			}
		}
		for _, o := range pieces(b) {
			o.Cut(n)
			if got := string(o.AppendTo(nil)); got != string(b[:k]) || o.Len() != k {
				t.Errorf("Cut(%d) left %q of %d octets", n, got, o.Len())
			}
		}
	}
}

func TestOctetsSum(t *testing.T) {
	b := octetsForSum(33)
	for i, o := range pieces(b) {
		if got, want := o.Sum(), Sum(0).Add(b); got != want {
			t.Errorf("head of %d octets: sum %#x, want %#x", i, got, want)
		}
	}
}

func TestOctetsFront(t *testing.T) {
	o := Octets{Head: []byte("head"), Data: chunk.Borrow([]byte("data"))}
	if string(o.Front()) != "head" {
		t.Errorf("front is %q", o.Front())
	}
	o.Pull(4)
	if string(o.Front()) != "data" {
		t.Errorf("front is %q after the head is gone", o.Front())
	}
}

// A payload is moved with its reference: nothing is copied, nothing stays behind.
func TestParseMovesPayload(t *testing.T) {
	head, _ := packetForBench("192.0.2.1")
	data := chunk.Copy(make([]byte, 1448))
	first := &data.B[0]
	o := Octets{Head: head[20:], Data: data}
	var s Segment
	if f := ParseTCP(&o, &s); f != OK {
		t.Fatal(f)
	}
	if s.Payload.Len() != 1448 || &s.Payload.B[0] != first || !s.Payload.Owned() {
		t.Error("the payload is not the data itself")
	}
	if o.Len() != 0 || o.Data.B != nil {
		t.Errorf("%d octets stayed behind", o.Len())
	}
	s.Payload.Release()
}

// A message of our own may lie in the head with its payload.
func TestParsePayloadInHead(t *testing.T) {
	c := corpus()["echo4"][20:]
	for i := ICMPLen; i <= len(c); i++ {
		o := Octets{Head: bytes.Clone(c[:i]), Data: chunk.Copy(c[i:])}
		var m ICMP
		if f := ParseICMP(&o, &m); f != OK {
			t.Fatal(f)
		}
		if string(m.Body.B) != "ping" || o.Len() != 0 {
			t.Errorf("head of %d octets: body %q, %d octets stayed", i, m.Body.B, o.Len())
		}
		m.Body.Release()
	}
}

// Put writes every octet of its header, whatever was in the memory, and none behind it.
func TestPutLeavesNothingOld(t *testing.T) {
	for name, put := range putters() {
		zeros, ones := make([]byte, 128), bytes.Repeat([]byte{0xff}, 128)
		put(zeros)
		put(ones)
		n := 0
		for n < len(ones) && ones[n] == zeros[n] {
			n++
		}
		if n < 8 || !bytes.Equal(ones[n:], bytes.Repeat([]byte{0xff}, 128-n)) || !bytes.Equal(zeros[n:], make([]byte, 128-n)) {
			t.Errorf("%s: differs from octet %d on\n% x\n% x", name, n, zeros, ones)
		}
	}
}
