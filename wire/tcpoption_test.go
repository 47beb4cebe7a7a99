package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// segmentWith returns a segment with this option block, which is filled up with zeros.
func segmentWith(options []byte) []byte {
	n := min(roundUp4(len(options)), MaxTCPOptions)
	b := make([]byte, TCPLen+n)
	copy(b[TCPLen:], options)
	b[12], b[13] = byte(TCPLen+n)/4<<4, byte(ACK)
	return b
}

func optionsOf(t testing.TB, b []byte) Options {
	t.Helper()
	s, f := parseTCP(segmentWith(b))
	if f != OK {
		t.Fatalf("options % x fail the segment: %v", b, f)
	}
	return s.Options
}

func TestTCPOptions(t *testing.T) {
	for _, c := range []struct {
		name, octets, want string
	}{
		{"none", "", ""},
		{"MSS", "0204 05b4", "mss 1460"},
		{"MSS 0", "0204 0000", "mss 0"},
		{"scale", "0303 07", "scale 7"},
		{"scale 14", "0303 0e", "scale 14"},
		{"scale 15 counts as 14 (RFC 7323 §2.3)", "0303 0f", "scale 14"},
		{"scale 255 counts as 14", "0303 ff", "scale 14"},
		{"SACK permitted", "0402", "sackOK"},
		{"timestamps as nearly everybody sends them", "0101 080a 00000001 fffffffe", "ts 1 4294967294"},
		{"timestamps unaligned (MUST-64)", "080a 00000001 00000002", "ts 1 2"},
		{"timestamps behind one NOP", "01 080a 00000001 00000002", "ts 1 2"},
		{"a SYN of Linux", "0204 05b4 0402 080a 00000007 00000000 01 0303 07", "mss 1460, sackOK, ts 7 0, scale 7"},
		{"a SYN of FreeBSD", "0204 05b4 01 0303 06 0402 080a 00000007 00000000", "mss 1460, sackOK, ts 7 0, scale 6"},
		{"SACK, one block", "0101 050a 00000001 00000002", "sack 1:2"},
		{"SACK, four blocks", "0522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008", "sack 1:2 3:4 5:6 7:8"},
		{"Fast Open request", "2202", "fast open request"},
		{"Fast Open cookie", "220a 0102030405060708", "fast open 0102030405060708"},
		{"AccECN0, three counters", "ac0b 000001 000002 000003", "accecn0 1 2 3"},
		{"AccECN1, three counters", "ae0b 000001 000002 000003", "accecn1 1 2 3"},
		{"AccECN0, one counter", "ac05 fffffe", "accecn0 16777214"},
		{"AccECN0, none", "ac02", "accecn0"},
		{"AccECN0, a counter and an octet", "ac06 000001 ff", "accecn0 1"},
		{"AccECN1, a fourth counter", "ae0e 000001 000002 000003 000004", "accecn1 1 2 3"},
		{"both AccECN: the last counts", "ac05 000001 ae05 000002", "accecn1 2"},
		{"unknown kind before MSS (MUST-6)", "fe06 01020304 0204 05b4", "mss 1460"},
		{"unknown kind without content", "fe02 0204 05b4", "mss 1460"},
		{"nothing after the end", "0204 05b4 00 0303 07", "mss 1460"},
		{"MSS twice: the last counts", "0204 05b4 0204 0218", "mss 536"},
		{"SACK twice: the last counts", "0512 00000001 00000002 00000003 00000004 050a 00000005 00000006", "sack 5:6"},
	} {
		if got := optionsOf(t, unhex(c.octets)).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTCPOptionFieldsOfAccECN(t *testing.T) {
	// RFC 9768 §3.2.3: kind 172 begins with E0B, kind 174 with E1B; CEB is in the middle.
	if p := optionsOf(t, unhex("ac0b 000001 000002 000003")); p.AccECN != (AccECN{3, 1, 2, 3}) {
		t.Errorf("kind 172: %+v", p.AccECN)
	}
	if p := optionsOf(t, unhex("ae0b 000001 000002 000003")); p.AccECN != (AccECN{3, 3, 2, 1}) {
		t.Errorf("kind 174: %+v", p.AccECN)
	}
	if p := optionsOf(t, unhex("ae05 000001")); p.AccECN != (AccECN{1, 0, 0, 1}) {
		t.Errorf("kind 174, short: %+v", p.AccECN)
	}
}

func TestTCPOptionsOfWrongLength(t *testing.T) {
	const good = "0204 05b4 " // before it, and where reading goes on also behind it
	for _, c := range []struct {
		name, octets string
		goesOn       bool // Fast Open and AccECN are passed over alone
	}{
		{"MSS 3", "0203 05", false}, {"MSS 2", "0202", false}, {"MSS 5", "0205 050505", false},
		{"scale 2", "0302", false}, {"scale 4", "0304 0707", false},
		{"SACK permitted 3", "0403 00", false},
		{"SACK 2", "0502", false}, {"SACK 3", "0503 00", false}, {"SACK 11", "050b 000000000000000000", false},
		{"timestamps 9", "0809 00000000000000", false}, {"timestamps 2", "0802", false},
		{"length 0", "fe00", false}, {"length 1", "fe01", false}, {"past the end", "fe ff", false},
		{"Fast Open 3", "2203 01", true}, {"Fast Open 7", "2207 0102030405", true}, {"Fast Open 20", "2214" + "000000000000000000000000000000000000", true},
	} {
		p := optionsOf(t, unhex(good+c.octets+" 0303 07"))
		want := "mss 1460"
		if c.goesOn {
			want = "mss 1460, scale 7"
		}
		if p.String() != want {
			t.Errorf("%s: %s, want %s", c.name, p, want)
		}
	}
}

// slowOptions reads an option block with no shortcut and no thought of speed: the
// twin of Options.parse.
func slowOptions(b []byte) (p Options) {
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	lengths := map[byte][]int{2: {4}, 3: {3}, 4: {2}, 5: {10, 18, 26, 34}, 8: {10}}
	for i := 0; i < len(b) && b[i] != 0; {
		if b[i] == 1 {
			i++
			continue
		}
		if i+1 == len(b) || b[i+1] < 2 || i+int(b[i+1]) > len(b) {
			return p
		}
		n := int(b[i+1])
		if legal, known := lengths[b[i]]; known && !contains(legal, n) {
			return p
		}
		switch b[i] {
		case 2:
			p.Has, p.MSS = p.Has|HasMSS, uint16(b[i+2])<<8|uint16(b[i+3])
		case 3:
			p.Has, p.Scale = p.Has|HasScale, min(b[i+2], 14)
		case 4:
			p.Has |= HasSACKPermitted
		case 5:
			p.Has, p.NSACK, p.SACK = p.Has|HasSACK, uint8(n/8), [4]Range{}
			for k := range p.NSACK {
				p.SACK[k] = Range{Seq(u32(i + 2 + 8*int(k))), Seq(u32(i + 6 + 8*int(k)))}
			}
		case 8:
			p.Has, p.TSVal, p.TSEcr = p.Has|HasTimestamp, u32(i+2), u32(i+6)
		case 34:
			if n == 2 || n >= 6 && n <= 18 && n%2 == 0 {
				p.Has, p.Cookie = p.Has|HasFastOpen, Cookie{Len: uint8(n - 2)}
				copy(p.Cookie.B[:], b[i+2:i+n])
			}
		case 172, 174:
			slowAccECN(&p, b[i], b[i+2:i+n])
		}
		i += n
	}
	return p
}

func slowAccECN(p *Options, kind byte, b []byte) {
	p.AccECN = AccECN{}
	p.Has &^= HasAccECN0 | HasAccECN1
	order := []*uint32{&p.AccECN.E0B, &p.AccECN.CEB, &p.AccECN.E1B}
	if kind == 172 {
		p.Has |= HasAccECN0
	} else {
		p.Has |= HasAccECN1
		order[0], order[2] = order[2], order[0]
	}
	for ; len(b) >= 3 && p.AccECN.N < 3; b = b[3:] {
		*order[p.AccECN.N] = uint32(b[0])<<16 + uint32(b[1])<<8 + uint32(b[2])
		p.AccECN.N++
	}
}

func contains(all []int, n int) bool {
	for _, v := range all {
		if v == n {
			return true
		}
	}
	return false
}

func FuzzTCPOptions(f *testing.F) {
	f.Add(unhex("0204 05b4 0402 080a 00000007 00000000 01 0303 07"))
	f.Add(unhex("0101 080a 00000001 00000002 0101 050a 00000001 00000002"))
	f.Add(unhex("0204 05b4 0402 080a 00000007 00000000 0303 07 ac0b 000001 000002 000003 050a 00000001 00000002"))
	for _, b := range hostileOptions() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), MaxTCPOptions)&^3]
		p := optionsOf(t, b)
		if want := slowOptions(b); p != want {
			t.Fatalf("% x\nread %+v\ntwin %+v", b, p, want)
		}
		checkOptionsRoundTrip(t, p)
	})
}

// checkOptionsRoundTrip writes options that were read; all of them must come back.
func checkOptionsRoundTrip(t *testing.T, p Options) {
	t.Helper()
	n := p.Size()
	if n > MaxTCPOptions || n%4 != 0 {
		t.Fatalf("%+v take %d octets", p, n)
	}
	out := bytes.Repeat([]byte{0xaa}, n)
	p.put(out)
	if again := optionsOf(t, out); again != p {
		t.Fatalf("wrote % x\nread  %+v\nagain %+v", out, p, again)
	}
	if p.Has != 0 && p.String() == "" {
		t.Fatalf("%+v prints nothing", p)
	}
}
