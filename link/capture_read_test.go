package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/timeline"
)

// pcap returns a file of the old format with one packet.
func pcap(order binary.AppendByteOrder, magic uint32, link LinkType, data []byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	for _, v := range []uint32{65535, uint32(link), 1_700_000_000, 123_456, uint32(len(data)), 2000} {
		b = order.AppendUint32(b, v)
	}
	return append(b, data...)
}

func TestReadPcap(t *testing.T) {
	for _, c := range []struct {
		name  string
		order binary.AppendByteOrder
		magic uint32
		nanos int64
	}{
		{"little-endian, µs", binary.LittleEndian, 0xa1b2c3d4, 123_456_000},
		{"big-endian, µs", binary.BigEndian, 0xa1b2c3d4, 123_456_000},
		{"little-endian, ns", binary.LittleEndian, 0xa1b23c4d, 123_456},
		{"big-endian, ns", binary.BigEndian, 0xa1b23c4d, 123_456},
	} {
		all := readAll(t, bytes.NewReader(pcap(c.order, c.magic, LinkRaw, []byte("hello"))))
		if len(all) != 1 {
			t.Fatalf("%s: %d packets", c.name, len(all))
		}
		p := all[0]
		if string(p.Data) != "hello" || p.Length != 2000 || p.Link != LinkRaw || !p.Time.Equal(time.Unix(1_700_000_000, c.nanos)) {
			t.Errorf("%s: read %+v", c.name, p)
		}
	}
}

func TestCapturedIP(t *testing.T) {
	data := make([]byte, 30)
	for _, c := range []struct {
		link     LinkType
		rest     int // octets left of 30, -1 if it cannot be read
		ethernet bool
	}{
		{LinkEthernet, 30, true}, {LinkRaw, 30, false}, {LinkIPv4, 30, false}, {LinkIPv6, 30, false}, {LinkRawBSD, 30, false},
		{LinkNull, 26, false}, {LinkLoop, 26, false}, {LinkLinuxSLL, 14, false}, {LinkSLL2, 10, false}, {147, -1, false},
	} {
		p := Captured{Link: c.link, Data: data}
		b, ethernet, ok := p.IP()
		if ok != (c.rest >= 0) || ok && (len(b) != c.rest || ethernet != c.ethernet) {
			t.Errorf("link type %d: %d octets, ethernet %v, %v", c.link, len(b), ethernet, ok)
		}
	}
	if _, _, ok := (&Captured{Link: LinkSLL2, Data: data[:19]}).IP(); ok {
		t.Error("a packet shorter than its link header was read")
	}
}

// What we wrote comes back the same by way of another program, in three formats.
func TestReadWhatEditcapWrites(t *testing.T) {
	needTool(t, "editcap")
	dir := t.TempDir()
	in := filepath.Join(dir, "in.pcapng")
	if err := os.WriteFile(in, conversation(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := readAll(t, bytes.NewReader(conversation(t)))
	for _, format := range []string{"pcapng", "pcap", "nsecpcap"} {
		out := filepath.Join(dir, format)
		if b, err := exec.Command("editcap", "-F", format, in, out).CombinedOutput(); err != nil {
			t.Fatalf("editcap: %v: %s", err, b)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		theirs := readAll(t, bytes.NewReader(b))
		if !slices.EqualFunc(ours, theirs, func(a, b Captured) bool {
			return bytes.Equal(a.Data, b.Data) && a.Length == b.Length && a.Link == b.Link &&
				a.Time.Truncate(time.Microsecond).Equal(b.Time.Truncate(time.Microsecond))
		}) {
			t.Errorf("%s: read\n%v\nwant\n%v", format, theirs, ours)
		}
	}
}

func TestSourceTimes(t *testing.T) {
	for _, c := range []struct {
		s    source
		v    uint64
		want time.Time
	}{
		{source{resolution: 6}, 1_500_000, time.Unix(1, 500_000_000)},
		{source{resolution: 9, offset: 100}, 1_000_000_001, time.Unix(101, 1)},
		{source{resolution: 0}, 7, time.Unix(7, 0)},
		{source{resolution: 0x80 | 10}, 1536, time.Unix(1, 500_000_000)},
		{source{resolution: 0x80 | 63}, 1 << 63, time.Unix(1, 0)},
		{source{resolution: 0x80 | 64}, 1, time.Time{}},
		{source{resolution: 20}, 1, time.Time{}},
		{source{resolution: 0}, math.MaxUint64, time.Time{}},
		{source{resolution: 6, offset: math.MinInt64}, 1, time.Time{}},
	} {
		if got := c.s.time(c.v); !got.Equal(c.want) {
			t.Errorf("%d with resolution %#x and offset %d is %v, want %v", c.v, c.s.resolution, c.s.offset, got, c.want)
		}
	}
}

// readToEnd reads all packets and returns how many there were and what ended them.
func readToEnd(b []byte) (n int, err error) {
	r, err := NewCaptureReader(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	for ; ; n++ {
		p, err := r.Next()
		if err != nil {
			return n, err
		}
		p.IP()
	}
}

func TestBrokenFilesAreSaidToBe(t *testing.T) {
	whole := conversation(t)
	packets, err := readToEnd(whole)
	if err != io.EOF || packets != 6 {
		t.Fatalf("%d packets, %v", packets, err)
	}
	ends := 0
	for n := range whole { // cut off anywhere: an error, unless between two blocks
		k, err := readToEnd(whole[:n])
		switch {
		case err == io.EOF && k <= packets:
			ends++
		case !errors.Is(err, ErrFormat):
			t.Fatalf("cut after %d octets: %v", n, err)
		}
	}
	if ends > 20 {
		t.Errorf("%d cut files were read to the end", ends)
	}
	for name, b := range map[string][]byte{
		"empty":      nil,
		"text":       []byte("lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384"),
		"huge block": blockOf(blockPacket, 1<<30),
		"odd length": blockOf(blockPacket, 33),
		"short":      blockOf(blockInterface, 8),
		"no end":     blockOf(blockInterface, 32),
		"huge pcap":  hugePcap(),
	} {
		if _, err := readToEnd(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(err.Error(), "not a capture file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// blockOf returns a file whose second block claims a length.
func blockOf(kind, length uint32) []byte {
	var file bytes.Buffer
	NewCapture(&file, timeline.NewManual(), CaptureOptions{}).Close()
	b := binary.LittleEndian.AppendUint32(file.Bytes(), kind)
	b = binary.LittleEndian.AppendUint32(b, length)
	return append(b, make([]byte, 100)...)
}

func hugePcap() []byte {
	b := pcap(binary.LittleEndian, 0xa1b2c3d4, LinkRaw, make([]byte, 100))
	binary.LittleEndian.PutUint32(b[32:], 1<<31)
	return b
}

func FuzzCaptureReader(f *testing.F) {
	f.Add(pcap(binary.BigEndian, 0xa1b2c3d4, LinkRaw, []byte("hello")))
	f.Add(pcap(binary.LittleEndian, 0xa1b23c4d, LinkLoop, []byte("hello")))
	var file bytes.Buffer
	c := NewCapture(&file, timeline.NewManual(), CaptureOptions{})
	c.Observe(&Sighting{Device: "eth0", Fate: Lost, Packet: udp(1, 2, 60)})
	c.Close()
	f.Add(file.Bytes())
	f.Add(blockOf(blockSimple, 32))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewCaptureReader(bytes.NewReader(b))
		for range len(b) + 1 {
			if err != nil {
				break
			}
			var p *Captured
			if p, err = r.Next(); err == nil {
				p.IP()
				if len(p.Data) > len(b) {
					t.Fatalf("%d octets out of a file of %d", len(p.Data), len(b))
				}
			}
		}
		if err != io.EOF && !errors.Is(err, ErrFormat) {
			t.Fatalf("ended with %v", err)
		}
		if r != nil && cap(r.buf) > blockMax {
			t.Fatalf("the reader holds %d octets", cap(r.buf))
		}
	})
}
