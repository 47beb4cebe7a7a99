package octet

import (
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// A congested device marks every seventh packet that may be marked, as a router does.
type congested struct {
	link.Device
	points [4]atomic.Uint64 // packets of TCP by the ECN field with which they were sent
	marked atomic.Uint64    // segments in the packets that it marked
}

func (d *congested) Send(p *link.Packet) {
	b := p.Head()
	o, h := wire.Octets{Head: b, Data: p.Data}, wire.IP{}
	if wire.ParseIP(&o, &h) == wire.OK && h.Proto == wire.ProtoTCP {
		point := h.ECN()
		n := d.points[point].Add(1)
		payload := p.Len() - int(h.HeaderLen) - int(b[int(h.HeaderLen)+12]>>4)*4
		if point != 0 && payload > 0 && n%7 == 0 {
			h.TOS |= 3
			wire.PutIP(b, &h)
			size := payload
			if p.SegmentSize != 0 {
				size = int(p.SegmentSize)
			}
			d.marked.Add(uint64((payload + size - 1) / size))
		}
	}
	d.Device.Send(p)
}

// From the control to the octets of an IP header and back to the control: what the network
// marks is counted at the far end and known at the near, over both versions of IP, with
// packets of one segment and of many.
func TestRFC9768_MarksThroughTheStack(t *testing.T) {
	profile := Linux()
	profile.TCP.ECN = tcp.AccurateECN
	for _, control := range []string{"prague", "cubic"} {
		profile.TCP.NewControl = func(p cc.Params) cc.Control {
			c, err := cc.New(control, p)
			if err != nil {
				t.Error(err)
			}
			return c
		}
		for _, segments := range []bool{false, true} {
			line := timeline.New()
			alice, bob := newHost(t, WithTimeline(line), WithProfile(profile)), newHost(t, WithTimeline(line))
			a, b := link.NewPipe(line, link.PipeOptions{Segments: segments})
			path := &congested{Device: a}
			attach(t, alice, path, "192.0.2.1/24", "2001:db8::1/64")
			attach(t, bob, b, "192.0.2.2/24", "2001:db8::2/64")
			for _, address := range []string{"192.0.2.2:80", "[2001:db8::2]:80"} {
				before := path.marked.Load()
				server, client := pair(t, bob, alice, address)
				sent, got := sendAll(t, client, server, 1<<20)
				marked := path.marked.Load() - before
				if sent.ECN != tcp.AccurateECN || got.ECN != tcp.AccurateECN {
					t.Fatalf("%s, %s: agreed on %v and %v", control, address, sent.ECN, got.ECN)
				}
				if marked < 3 || sent.Counts.MarkedOut != marked || got.Counts.MarkedIn != marked || sent.Counts.Marks == 0 {
					t.Errorf("%s, %s, many segments %v: %d packets marked, %d counted, %d told, %d answers", control, address,
						segments, marked, got.Counts.MarkedIn, sent.Counts.MarkedOut, sent.Counts.Marks)
				}
			}
			l4s, classic := path.points[1].Load() > 0, path.points[2].Load() > 0
			if l4s != (control == "prague") || classic != (control == "cubic") {
				t.Errorf("%s: ECT(1) %v, ECT(0) %v", control, l4s, classic)
			}
		}
	}
}

// sendAll sends n octets from one end to the other, closes both, and returns what each
// end knows then.
func sendAll(t *testing.T, from, to *TCPConn, n int) (sent, got Info) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := from.Write(make([]byte, n))
		if err == nil {
			err = from.CloseWrite()
		}
		done <- err
	}()
	all, err := io.ReadAll(to)
	if err != nil || len(all) != n {
		t.Fatalf("%d of %d octets came: %v", len(all), n, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got = to.Info()
	to.Close()
	if _, err := from.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("after the peer's end: %v", err)
	}
	sent = from.Info()
	from.Close()
	return sent, got
}

// By default nothing is asked for, everything agreed to, and a listener that is flooded
// forgets nothing of it.
func TestRFC9768_DefaultPolicy(t *testing.T) {
	asking := Linux()
	asking.TCP.ECN = tcp.AccurateECN
	line := timeline.New()
	alice, bob := newHost(t, WithTimeline(line), WithProfile(asking)), newHost(t, WithTimeline(line))
	a, b := link.NewPipe(line, link.PipeOptions{})
	attach(t, alice, a, "192.0.2.1/24")
	attach(t, bob, b, "192.0.2.2/24")
	for _, c := range []struct {
		server, client *Host
		address        string
		want           tcp.ECN
	}{{bob, alice, "192.0.2.2:80", tcp.AccurateECN}, {alice, bob, "192.0.2.1:80", tcp.NoECN}} {
		server, client := pair(t, c.server, c.client, c.address)
		for _, conn := range []net.Conn{server, client} {
			if got := conn.(*TCPConn).Info().ECN; got != c.want {
				t.Errorf("%s: agreed on %v, want %v", c.address, got, c.want)
			}
			conn.Close()
		}
	}
}
