package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
)

// Kernel and host talk through every kind of device, with every MTU and both
// versions of IP; tshark reads all of it.
func TestKernelAndHost(t *testing.T) {
	for _, tap := range []bool{false, true} {
		for _, mtu := range []int{576, 1280, 1500, 9000, 65535} {
			kind := "TUN"
			if tap {
				kind, mtu = "TAP", min(mtu, link.MTUMax-14)
			}
			if testing.Short() && mtu != 576 && mtu != 1500 {
				continue
			}
			t.Run(fmt.Sprintf("%s, MTU %d", kind, mtu), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, labPlan{tap: tap, mtu: mtu, capture: true})
				for _, v := range l.versions() {
					l.pings(v)
					l.datagrams(v)
					l.streams(v, 1<<20)
				}
			})
		}
	}
}

// Several readers of one device put its packets out of order.
func TestKernelAndHostBySeveralQueues(t *testing.T) {
	t.Parallel()
	l := newLab(t, labPlan{queues: 4, capture: true})
	for _, v := range l.versions() {
		l.datagrams(v)
		l.streams(v, 1<<20)
	}
}

// pings has each side ping the other, with packets that fit, that just fit, and
// that go in fragments.
func (l *lab) pings(v version) {
	l.Helper()
	need(l.T, "ping")
	whole := l.mtu - 28
	if v == ip6 {
		whole = l.mtu - 48
	}
	whole = min(whole, 65507) // ping's own limit
	for _, n := range []int{0, 56, whole, min(3*whole, 60000)} {
		run(l.T, "ping", "-n", "-q", "-c", "2", "-i", "0.01", "-W", "5", "-s", strconv.Itoa(n), v.ours)
		data := octets(n, n)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		p, err := l.host.Ping(ctx, netip.MustParseAddr(v.kernel), octet.Ping{Data: data})
		cancel()
		if err != nil || !bytes.Equal(p.Data, data) {
			l.Errorf("%s: ping of %d octets: %d came back: %v", v.name, n, len(p.Data), err)
		}
	}
}

// datagrams sends datagrams of 0 to 65,507 octets to the echo server of each side.
func (l *lab) datagrams(v version) {
	l.Helper()
	ours, err := l.host.ListenPacket("udp", net.JoinHostPort(v.ours, "7"))
	if err != nil {
		l.Fatal(err)
	}
	defer ours.Close()
	go echoPackets(ours)
	theirs, err := net.ListenPacket("udp", net.JoinHostPort(v.kernel, "7"))
	if err != nil {
		l.Fatal(err)
	}
	defer theirs.Close()
	go echoPackets(theirs)
	there, err := net.Dial("udp", net.JoinHostPort(v.ours, "7"))
	if err != nil {
		l.Fatal(err)
	}
	defer there.Close()
	back, err := l.host.Dial("udp", net.JoinHostPort(v.kernel, "7"))
	if err != nil {
		l.Fatal(err)
	}
	defer back.Close()
	for _, n := range []int{0, 1, 511, 512, l.mtu - 49, l.mtu - 48, l.mtu - 28, l.mtu - 27, 2 * l.mtu, 8192, 65507} {
		if n = min(n, 65507); n < 0 {
			continue
		}
		for who, c := range map[string]net.Conn{"kernel to host": there, "host to kernel": back} {
			if err := exchangePacket(c, octets(n, n)); err != nil {
				l.Errorf("%s, %s: %d octets: %v", v.name, who, n, err)
			}
		}
	}
}

func echoPackets(c net.PacketConn) {
	b := make([]byte, 65536)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		if _, err := c.WriteTo(b[:n], from); err != nil {
			return
		}
	}
}

// exchangePacket sends a datagram and waits for its echo.
func exchangePacket(c net.Conn, p []byte) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(p); err != nil {
		return err
	}
	b := make([]byte, 65536)
	n, err := c.Read(b)
	if err == nil && !bytes.Equal(b[:n], p) {
		err = fmt.Errorf("%d other octets came back", n)
	}
	return err
}

// streams sends octets to the echo server of each side and compares what comes back.
func (l *lab) streams(v version, n int) {
	l.Helper()
	ours := l.listen(net.JoinHostPort(v.ours, "0"), echo)
	defer ours.Close()
	theirs := l.listenKernel(net.JoinHostPort(v.kernel, "0"), echo)
	defer theirs.Close()
	there, err := net.Dial("tcp", ours.Addr().String())
	if err != nil {
		l.Fatal(err)
	}
	defer there.Close()
	back, err := l.host.Dial("tcp", theirs.Addr().String())
	if err != nil {
		l.Fatal(err)
	}
	defer back.Close()
	for who, c := range map[string]net.Conn{"kernel to host": there, "host to kernel": back} {
		if err := exchangeStream(c, octets(n, n)); err != nil {
			l.Errorf("%s, %s: %v", v.name, who, err)
		}
	}
}

// exchangeStream writes octets, ends that direction, and compares the SHA-256 of
// what comes back until the end.
func exchangeStream(c net.Conn, p []byte) error {
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(p)
		if err == nil {
			err = c.(interface{ CloseWrite() error }).CloseWrite()
		}
		wrote <- err
	}()
	got, err := io.ReadAll(c)
	if err == nil && sum(got) != sum(p) {
		err = fmt.Errorf("of %d octets %d others came back", len(p), len(got))
	}
	if err2 := <-wrote; err == nil {
		err = err2
	}
	return err
}

// exchange writes octets to an echo and compares what comes back, on a connection that goes on.
func exchange(c net.Conn, p []byte) error {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	wrote := make(chan error, 1)
	go func() { _, err := c.Write(p); wrote <- err }()
	b := make([]byte, len(p))
	_, err := io.ReadFull(c, b)
	if err2 := <-wrote; err == nil {
		err = err2
	}
	if err == nil && !bytes.Equal(b, p) {
		err = fmt.Errorf("%d other octets came back", len(b))
	}
	return err
}
