package wire

import (
	"bytes"
	"testing"
)

func putOptions(p Options) []byte {
	b := bytes.Repeat([]byte{0xaa}, p.Size())
	p.put(b)
	return b
}

func TestPutTCPOptions(t *testing.T) {
	sack := [4]Range{{1, 2}, {3, 4}, {5, 6}, {7, 8}}
	cookie := Cookie{Len: 8, B: [16]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	for _, c := range []struct {
		name string
		p    Options
		want string
	}{
		{"none", Options{}, ""},
		{"MSS", Options{Has: HasMSS, MSS: 536}, "0204 0218"},
		{"SYN", synOptions, "0204 05b4 0402 080a 00000007 00000000 01 0303 07"},
		{"SYN without timestamps", Options{Has: HasMSS | HasSACKPermitted | HasScale, MSS: 1460, Scale: 7}, "0204 05b4 0101 0402 01 0303 07"},
		{"SYN without SACK", Options{Has: HasMSS | HasTimestamp | HasScale, MSS: 1460, Scale: 7}, "0204 05b4 0101 080a 00000000 00000000 01 0303 07"},
		{"data", Options{Has: HasTimestamp, TSVal: 1, TSEcr: 2}, "0101 080a 00000001 00000002"},
		{"three blocks and timestamps", Options{Has: HasTimestamp | HasSACK, NSACK: 3, SACK: sack},
			"0101 080a 00000000 00000000 0101 051a 00000001 00000002 00000003 00000004 00000005 00000006"},
		{"four blocks", Options{Has: HasSACK, NSACK: 4, SACK: sack},
			"0101 0522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008"},
		{"no blocks", Options{Has: HasSACK}, ""},
		{"cookie", Options{Has: HasFastOpen, Cookie: cookie}, "0101 220a 0102030405060708"},
		{"cookie request", Options{Has: HasFastOpen}, "0101 2202"},
		{"AccECN, three counters", Options{Has: HasAccECN0, AccECN: AccECN{3, 1, 2, 3}}, "01 ac0b 000001 000002 000003"},
		{"AccECN, large counters", Options{Has: HasAccECN0, AccECN: AccECN{3, 0xfedcba, 0x987654, 0x1ffffff}}, "01 ac0b fedcba 987654 ffffff"},
		{"AccECN1, three counters", Options{Has: HasAccECN1, AccECN: AccECN{3, 1, 2, 3}}, "01 ae0b 000003 000002 000001"},
		{"AccECN1, two counters", Options{Has: HasAccECN1, AccECN: AccECN{2, 1, 2, 3}}, "ae08 000003 000002"},
		{"scale too large", Options{Has: HasScale, Scale: 200}, "01 0303 0e"},
	} {
		if got := putOptions(c.p); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s: % x, want % x", c.name, got, unhex(c.want))
		}
	}
}

// What does not fit into 40 octets is left out from the end of the SACK blocks,
// then of the AccECN counters; what fits only without NOPs goes without.
func TestPutTCPOptionsThatAreTooLong(t *testing.T) {
	all := synOptions
	all.Has |= HasFastOpen | HasSACK | HasAccECN0
	all.NSACK, all.SACK = 4, [4]Range{{1, 2}, {3, 4}, {5, 6}, {7, 8}}
	all.AccECN = AccECN{3, 1, 2, 3}
	for _, c := range []struct {
		name        string
		has         OptionSet
		cookie      uint8
		nsack, necn uint8
	}{
		{"four blocks and timestamps", HasTimestamp | HasSACK, 0, 3, 3},
		{"four blocks and AccECN", HasSACK | HasAccECN0, 0, 3, 3},
		{"four blocks, timestamps and AccECN", HasTimestamp | HasSACK | HasAccECN0, 0, 2, 3},
		{"a SYN with AccECN", synOptions.Has | HasAccECN0, 0, 4, 3},
		{"a SYN with all", all.Has, 16, 0, 0},
		{"a SYN with all and a short cookie", all.Has, 4, 0, 3},
	} {
		p := all
		p.Has, p.Cookie.Len = c.has, c.cookie
		got := optionsOf(t, putOptions(p))
		wantSACK, wantECN := c.nsack, c.necn
		if c.has&HasSACK == 0 {
			wantSACK = 0
		}
		if c.has&HasAccECN0 == 0 {
			wantECN = 0
		}
		if p.Size() > MaxTCPOptions || got.NSACK != wantSACK || got.AccECN.N != wantECN || got.Cookie.Len != p.Cookie.Len {
			t.Errorf("%s: %d octets: %v", c.name, p.Size(), got)
		}
		if missing := p.Has &^ got.Has; missing != 0 && missing != HasSACK {
			t.Errorf("%s: options %b are missing", c.name, missing)
		}
	}
}

// FuzzPutTCPOptions writes any options at all: values that no segment had.
func FuzzPutTCPOptions(f *testing.F) {
	f.Add(uint8(0xff), uint8(4), uint8(3), uint8(16))
	f.Add(uint8(0xff), uint8(255), uint8(255), uint8(255))
	f.Add(uint8(HasTimestamp|HasSACK), uint8(4), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, has, nsack, necn, cookie uint8) {
		p := Options{Has: OptionSet(has), NSACK: nsack, AccECN: AccECN{N: necn}, Cookie: Cookie{Len: cookie}}
		b := putOptions(p)
		if len(b) > MaxTCPOptions || len(b)%4 != 0 {
			t.Fatalf("%d octets", len(b))
		}
		got := optionsOf(t, b)
		lost := p.Has &^ got.Has &^ (HasSACK | HasAccECN0 | HasAccECN1)
		if lost == HasFastOpen && cookie%2 != 0 || lost == HasFastOpen && cookie < 4 { // no cookie that a peer would take
			lost = 0
		}
		if lost != 0 {
			t.Fatalf("%b are lost: % x", lost, b)
		}
		if p.Has != 0 && p.String() == "" {
			t.Fatalf("%+v prints nothing", p)
		}
	})
}
