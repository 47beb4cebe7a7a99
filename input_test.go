package octet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// RFC 5681 §4.2: "a TCP receiver SHOULD send an immediate duplicate ACK when an
// out-of-order segment arrives", whatever arrives with it; what is in order may
// be acknowledged all at once.
func TestAcknowledgementsOfABatch(t *testing.T) {
	for _, c := range []struct {
		name, segments, want string
	}{
		{"in order", "0 1 2 3 4 5", "6"},
		{"one is missing", "1 2 3", "0/1-2 0/1-3 0/1-4"},
		{"it comes", "1 2 0 3 4", "0/1-2 0/1-3 5"},
		{"two come twice", "0 1 0 1 2", "2/0-1 2/1-2 3"},
	} {
		line, h, f, _ := besieged(t)
		l := listening(t, h, "192.0.2.1:80", 5)
		handshakeWith(t, line, f, l, 1024, wire.Options{Has: wire.HasSACKPermitted})
		f.answers(t)
		var batch []link.Packet
		for _, n := range strings.Fields(c.segments) {
			seg := wire.Segment{
				SrcPort: 1024, DstPort: 80, Seq: 1000 + 1000*wire.Seq(n[0]-'0'), Ack: wire.Seq(f.iss) + 1,
				Flags: wire.ACK, Window: 65535, Payload: payload(1000),
			}
			head := wire.IP{Src: peer, Dst: victim, Proto: wire.ProtoTCP, TTL: 64}
			batch = append(batch, link.Packet{})
			putTCP(&batch[len(batch)-1], &head, &seg, false)
		}
		f.to.Receive(line.Now(), batch)
		var got []string
		for _, seg := range f.answers(t) {
			s := fmt.Sprint((seg.Ack - 1000) / 1000)
			for _, r := range seg.Options.SACK[:seg.Options.NSACK] {
				s += fmt.Sprintf("/%d-%d", (r.Start-1000)/1000, (r.End-1000)/1000)
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: acknowledged %q, want %q", c.name, s, c.want)
		}
	}
}
