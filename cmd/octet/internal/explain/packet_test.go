package explain

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/octet-net/octet/link"
)

// The datagram of the first example, from port 49731 to port 6789.
const hello = "4500 0021 1c46 4000 4011 2084 7f00 0001 7f00 0001 c243 1a85 000d 0000 4865 6c6c 6f"

func octets(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(hello, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHex(t *testing.T) {
	want := octets(t)
	for name, text := range map[string]string{
		"plain":  hello,
		"colons": "45:00:00:21:1c:46:40:00:40:11:20:84:7f:00:00:01:7f:00:00:01:c2:43:1a:85:00:0d:00:00:48:65:6c:6c:6f",
		"lines":  "4500 0021 1c46 4000 4011 2084 7f00 0001\n7f00 0001 c243 1a85 000d 0000\n48656c6c6f\n",
		"tcpdump -x": "\t0x0000:  4500 0021 1c46 4000 4011 2084 7f00 0001\n" +
			"\t0x0010:  7f00 0001 c243 1a85 000d 0000 4865 6c6c\n\t0x0020:  6f\n",
		"tcpdump -X": "\t0x0000:  4500 0021 1c46 4000 4011 2084 7f00 0001  E..!.F@.@.......\n" +
			"\t0x0010:  7f00 0001 c243 1a85 000d 0000 4865 6c6c  .....C......Hell\n\t0x0020:  6f                                       o\n",
		"xxd": "00000000: 4500 0021 1c46 4000 4011 2084 7f00 0001  E..!.F@.@. .....\n" +
			"00000010: 7f00 0001 c243 1a85 000d 0000 4865 6c6c  .....C......Hell\n00000020: 6f                                       o\n",
		"hexdump -C": "00000000  45 00 00 21 1c 46 40 00  40 11 20 84 7f 00 00 01  |E..!.F@.@. .....|\n" +
			"00000010  7f 00 00 01 c2 43 1a 85  00 0d 00 00 48 65 6c 6c  |.....C......Hell|\n00000020  6f                                                |o|\n00000021\n",
	} {
		if got, ok := Hex(text); !ok || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v, want %x", name, got, ok, want)
		}
	}
	for _, text := range []string{"", "\n", "hello", "4500 002", "flags=8049", "192.0.2.1", "0x8049", "4500 zz"} {
		if got, ok := Hex(text); ok {
			t.Errorf("%q is read as %x", text, got)
		}
	}
}

func TestOnePacket(t *testing.T) {
	ip := octets(t)
	frame := append([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"), ip...)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"IP":    {ip, "127.0.0.1:49731 → 127.0.0.1:6789 [IP 20 [UDP 8 [data 5]]] = 33 octets"},
		"frame": {frame, "127.0.0.1:49731 → 127.0.0.1:6789 [Ethernet 14 [IP 20 [UDP 8 [data 5]]]] = 47 octets"},
		"cut":   {ip[:30], "127.0.0.1 → 127.0.0.1 [IP 30 "},
	} {
		p, ok := OnePacket(c.b)
		if !ok || !strings.HasPrefix(p.Line, c.want) {
			t.Errorf("%s: %+v, %v, want %s", name, p, ok, c.want)
		} else if len(p.Fields) == 0 || p.Text() == "" {
			t.Errorf("%s: no fields", name)
		}
	}
	for _, b := range [][]byte{nil, {0x45}, bytes.Repeat([]byte{0xff}, 64)} {
		if p, ok := OnePacket(b); ok {
			t.Errorf("%x is explained as %s", b, p.Line)
		}
	}
}

// A pcap file of version 2.4 with the datagram twice, 1.5 ms apart, and link type 101.
func pcap(t testing.TB) []byte {
	b := []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x65\x00\x00\x00")
	for _, at := range []string{"\x10\x00\x00\x00\x00\x00\x00\x00", "\x10\x00\x00\x00\xdc\x05\x00\x00"} {
		b = append(b, at+"\x21\x00\x00\x00\x21\x00\x00\x00"...)
		b = append(b, octets(t)...)
	}
	return b
}

func TestCapture(t *testing.T) {
	file := pcap(t)
	if !IsCapture(file) || IsCapture(octets(t)) || IsCapture(nil) {
		t.Error("IsCapture does not tell a capture from a packet")
	}
	var seen []*Packet
	keep := func(p *Packet) error { seen = append(seen, p); return nil }
	if err := Capture(bytes.NewReader(file), false, keep); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 || seen[1].Number != 2 || seen[1].At != 1500 || seen[1].Octets != 33 || seen[1].Layers != "[IP 20 [UDP 8 [data 5]]]" || seen[1].Text() != "" {
		t.Errorf("packets %+v", seen)
	}
	seen = nil
	if err := Capture(bytes.NewReader(file[:len(file)-1]), true, keep); !errors.Is(err, link.ErrFormat) || len(seen) != 1 || seen[0].Text() == "" {
		t.Errorf("of a file that is cut off: %v, %d packets", err, len(seen))
	}
	enough := errors.New("enough")
	if err := Capture(bytes.NewReader(file), false, func(*Packet) error { return enough }); err != enough {
		t.Errorf("the error of the one who is told: %v", err)
	}
}

// Whatever is given in hexadecimal, nothing panics, and what is read has octets.
func FuzzHex(f *testing.F) {
	f.Add(hello)
	f.Add("0x0000:  4500 0021  E..!")
	f.Add("00000000  45 00 |E.|")
	f.Fuzz(func(t *testing.T, text string) {
		if b, ok := Hex(text); ok {
			OnePacket(b)
		}
	})
}
