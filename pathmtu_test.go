package octet

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// A narrow device swallows packets of more than limit octets, and tells nobody.
type narrow struct {
	link.Device
	limit int
}

func (n *narrow) Send(p *link.Packet) {
	size := len(p.Head()) + p.Data.Len()
	if p.SegmentSize > 0 {
		size = min(size, len(p.Head())+int(p.SegmentSize))
	}
	if size > n.limit {
		p.Data.Release()
		return
	}
	n.Device.Send(p)
}

// RFC 4821 §7.7, RFC 8899 §5.2: between two hosts lies a path that carries less than
// their interfaces and whose routers are silent. Everything arrives, and the
// segments get as large as the path allows.
func TestRFC8899_5_2_SilentPath(t *testing.T) {
	t.Run("segment by segment", func(t *testing.T) { silentPath(t, link.PipeOptions{}) })
	t.Run("cut by the device", func(t *testing.T) { silentPath(t, link.PipeOptions{Segments: true}) })
}

func silentPath(t *testing.T, o link.PipeOptions) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1400
		line := timeline.New()
		alice := newHost(t, WithName("alice"), WithTimeline(line))
		bob := newHost(t, WithName("bob"), WithTimeline(line))
		a, b := link.NewPipe(line, o)
		attach(t, alice, &narrow{a, limit}, "192.0.2.1/24")
		attach(t, bob, b, "192.0.2.2/24")
		s, c := pair(t, bob, alice, "192.0.2.2:80")
		const size, rounds = 200_000, 30
		received := make(chan int64)
		go func() {
			n, err := io.Copy(io.Discard, s)
			if err != nil {
				t.Error(err)
			}
			received <- n
		}()
		for range rounds {
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
		}
		i := c.Info()
		c.Close()
		if n := <-received; n != size*rounds {
			t.Errorf("%d octets of %d arrived", n, size*rounds)
		}
		if whole := i.PathMSS + 40; whole > limit || whole < limit-40 || i.Counts.BlackHoles != 1 {
			t.Errorf("packets of %d octets on a path of %d, %d black holes", whole, limit, i.Counts.BlackHoles)
		}
	})
}
