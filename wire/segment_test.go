package wire

import (
	"testing"

	"github.com/octet-net/octet/chunk"
)

func TestSegmentLen(t *testing.T) {
	data := chunk.Borrow([]byte("hello"))
	for _, c := range []struct {
		flags Flags
		data  chunk.View
		want  int
	}{
		{ACK, chunk.View{}, 0}, {SYN, chunk.View{}, 1}, {FIN | ACK, chunk.View{}, 1},
		{SYN | FIN, data, 7}, {ACK, data, 5}, {RST, data, 5},
	} {
		if s := (Segment{Flags: c.flags, Payload: c.data}); s.Len() != c.want {
			t.Errorf("%v with %d octets: Len %d, want %d", c.flags, c.data.Len(), s.Len(), c.want)
		}
	}
}

func TestFlagsHas(t *testing.T) {
	f := SYN | ACK
	if !f.Has(SYN) || !f.Has(SYN|ACK) || f.Has(SYN|FIN) {
		t.Error("Has does not ask for all bits")
	}
}
