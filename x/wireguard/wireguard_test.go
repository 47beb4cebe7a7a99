package wireguard

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

var addrs = [2]netip.Prefix{netip.MustParsePrefix("10.7.0.1/24"), netip.MustParsePrefix("10.7.0.2/24")}

// hostOn returns a host on a device.
func hostOn(t *testing.T, line *timeline.Timeline, d link.Device, a netip.Prefix) *octet.Host {
	t.Helper()
	h := octet.NewHost(octet.WithTimeline(line))
	if _, err := h.Attach(d, a); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// talk sends 5 MB by TCP from b to a and back, and a datagram.
func talk(t *testing.T, a, b *octet.Host) {
	t.Helper()
	l, err := a.Listen("tcp", addrs[0].Addr().String()+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.Copy(c, c)
	}()
	c, err := b.Dial("tcp", addrs[0].Addr().String()+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sent := make([]byte, 5_000_000)
	rand.Read(sent)
	go func() {
		if _, err := c.Write(sent); err != nil {
			t.Error(err)
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(c)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Errorf("%d octets of %d came back: %v", len(got), len(sent), err)
	}
	datagram(t, a, b)
}

func datagram(t *testing.T, a, b *octet.Host) {
	t.Helper()
	p, err := a.ListenPacket("udp", addrs[0].Addr().String()+":7")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := b.Dial("udp", addrs[0].Addr().String()+":7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("Hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if err := p.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := p.ReadFrom(buf); err != nil || string(buf[:n]) != "Hello" {
		t.Errorf("%q came from %v: %v", buf[:n], from, err)
	}
}

// tunnel starts a WireGuard device on a TUN and returns it with its public key.
func tunnel(t *testing.T, tun *TUN) (*device.Device, *ecdh.PrivateKey) {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := device.NewDevice(tun, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, tun.name+": "))
	t.Cleanup(d.Close)
	if err := d.IpcSet("private_key=" + hex.EncodeToString(key.Bytes()) + "\nlisten_port=0\n"); err != nil {
		t.Fatal(err)
	}
	if err := d.Up(); err != nil {
		t.Fatal(err)
	}
	return d, key
}

// listenPort returns the UDP port of a WireGuard device.
func listenPort(t *testing.T, d *device.Device) string {
	t.Helper()
	all, err := d.IpcGet()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(all, "\n") {
		if p, ok := strings.CutPrefix(line, "listen_port="); ok {
			return p
		}
	}
	t.Fatalf("no port in %q", all)
	return ""
}

func TestTwoHostsShareANetworkThroughWireGuard(t *testing.T) {
	line := timeline.New()
	defer line.Close()
	var tuns [2]*TUN
	var devices [2]*device.Device
	var keys [2]*ecdh.PrivateKey
	var hosts [2]*octet.Host
	for i := range tuns {
		var err error
		if tuns[i], err = NewTUN(line, fmt.Sprint("wg", i), 0); err != nil {
			t.Fatal(err)
		}
		hosts[i] = hostOn(t, line, tuns[i], addrs[i])
		devices[i], keys[i] = tunnel(t, tuns[i])
	}
	for i := range devices {
		err := devices[i].IpcSet(fmt.Sprintf("public_key=%x\nendpoint=127.0.0.1:%s\nallowed_ip=%s/32\n",
			keys[1-i].PublicKey().Bytes(), listenPort(t, devices[1-i]), addrs[1-i].Addr()))
		if err != nil {
			t.Fatal(err)
		}
	}
	talk(t, hosts[0], hosts[1])
	if s := tuns[0].Stats(); s.Sent == 0 || s.Received == 0 || s.ReceivedOctets < 5_000_000 {
		t.Errorf("counted %+v", s)
	}
}

// The two adapters back to back: one host's TUN is the tun.Device of the other's device.
func TestOpenStandsOnATunDevice(t *testing.T) {
	line := timeline.New()
	defer line.Close()
	tun, err := NewTUN(line, "wg0", 1300)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(line, tun, nil)
	if err != nil {
		t.Fatal(err)
	}
	if i := d.Info(); i.MTU != 1300 || i.Name != "wg0" || i.NoSum || i.Ethernet {
		t.Errorf("the device is %+v", i)
	}
	talk(t, hostOn(t, line, tun, addrs[0]), hostOn(t, line, d, addrs[1]))
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, open := <-tun.Events(); open {
		t.Error("the tun.Device is still open")
	}
}

func packet(b []byte) *link.Packet { return &link.Packet{Data: chunk.Copy(b)} }

func TestTUNIsBoundedAndCloses(t *testing.T) {
	tun, err := NewTUN(timeline.NewManual(), "wg0", 100)
	if err != nil {
		t.Fatal(err)
	}
	tun.Send(packet(make([]byte, 101))) // longer than the MTU
	for range queueMax + 5 {
		tun.Send(packet([]byte("x")))
	}
	tun.Flush()
	if s := tun.Stats(); s.Sent != queueMax || s.SendDropped != 6 {
		t.Errorf("counted %+v", s)
	}
	bufs, sizes := [][]byte{make([]byte, 20), make([]byte, 16)}, make([]int, 2)
	if n, err := tun.Read(bufs, sizes, 16); n != 2 || err != nil || sizes[0] != 1 || sizes[1] != 0 || bufs[0][16] != 'x' {
		t.Errorf("read %d packets of %v: %v (the second has no room)", n, sizes, err)
	}
	done := make(chan error)
	empty, err := NewTUN(timeline.NewManual(), "wg1", 100)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := empty.Read(bufs, sizes, 16)
		done <- err
	}()
	if err := errors.Join(empty.Close(), empty.Close()); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if _, err := empty.Write(bufs, 16); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	empty.Send(packet([]byte("x")))
	if s := empty.Stats(); s.SendDropped != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestTUNHandsOverWhatWireGuardWrites(t *testing.T) {
	tun, err := NewTUN(timeline.NewManual(), "wg0", 0)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	tun.Attach(receiver(func(batch []link.Packet) {
		for i := range batch {
			got = append(got, batch[i].AppendTo(nil))
		}
	}))
	if n, err := tun.Write([][]byte{[]byte("..one"), []byte("..two")}, 2); n != 2 || err != nil {
		t.Errorf("%d written: %v", n, err)
	}
	if len(got) != 2 || !bytes.Equal(got[0], []byte("one")) || !bytes.Equal(got[1], []byte("two")) {
		t.Errorf("received %q", got)
	}
}

type receiver func([]link.Packet)

func (f receiver) Receive(_ mono.Time, batch []link.Packet) { f(batch) }

func TestNewTUNRefuses(t *testing.T) {
	for _, mtu := range []int{-1, 67, 65536} {
		if _, err := NewTUN(timeline.NewManual(), "wg0", mtu); err == nil {
			t.Errorf("an MTU of %d was taken", mtu)
		}
	}
}
