package recipes

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octet-net/octet/sim"
)

const quicStreams = 4

// quicTransport gives a host a transport at a port.
func quicTransport(t *testing.T, h *sim.Host, address string) *quic.Transport {
	t.Helper()
	c, err := h.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	return &quic.Transport{Conn: c}
}

// quicEcho sends the streams of one connection back.
func quicEcho(t *testing.T, l *quic.Listener) {
	c, err := l.Accept(context.Background())
	if err != nil {
		t.Errorf("server: %v", err)
		return
	}
	for {
		s, err := c.AcceptStream(context.Background())
		if err != nil { // the client has closed the connection
			if end := (*quic.ApplicationError)(nil); !errors.As(err, &end) || end.ErrorCode != 0 {
				t.Errorf("server: %v", err)
			}
			return
		}
		go func() {
			if _, err := io.Copy(s, s); err != nil {
				t.Errorf("server: %v", err)
			}
			s.Close()
		}()
	}
}

// quicTalk sends octets on a stream and reads them back.
func quicTalk(c *quic.Conn, octets []byte) error {
	s, err := c.OpenStreamSync(context.Background())
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		_, err := s.Write(octets)
		sent <- errors.Join(err, s.Close())
	}()
	got, err := io.ReadAll(s)
	if err = errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, octets) {
		return fmt.Errorf("%d octets came back, not the %d sent", len(got), len(octets))
	}
	return nil
}

// quic-go: give quic.Transport the net.PacketConn of a host, and an address that is
// resolved; the name for its certificate goes into tls.Config. It works on
// any PacketConn; what it has for a *net.UDPConn alone (ECN, batches, its probes of
// the path's MTU) it does without. Close the transports and their sockets before the
// bubble ends: a transport does not close a socket that was given to it.
func TestQUIC(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 20 * time.Millisecond, Rate: 20e6, Loss: sim.Random(0.01), Reorder: 0.01})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		certificate, pool := identity(t, "server")
		st, at := quicTransport(t, srv, ":443"), quicTransport(t, a, ":0")
		l, err := st.Listen(&tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"echo"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		srv.Background(func() { quicEcho(t, l) })
		a.Go(func() {
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(srv.Addr(), 443))
			c, err := at.Dial(context.Background(), to, &tls.Config{RootCAs: pool, ServerName: "server", NextProtos: []string{"echo"}}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			done := make(chan error)
			for i := range quicStreams {
				go func() { done <- quicTalk(c, bytes.Repeat([]byte{byte(i)}, 256<<10)) }()
			}
			for range quicStreams {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if err := c.CloseWithError(0, "done"); err != nil {
				t.Error(err)
			}
		})
		if !n.Run(time.Minute) {
			t.Error("the streams are not done")
		}
		time.Sleep(time.Second) // the server hears of the end
		for _, x := range []*quic.Transport{at, st} {
			if err := errors.Join(x.Close(), x.Conn.Close()); err != nil {
				t.Error(err)
			}
		}
		return []*sim.Host{srv, a}
	})
}
