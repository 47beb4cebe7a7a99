package wire

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

func parseIGMP(b []byte) (m IGMP, f Fault) {
	o := Plain(b)
	f = ParseIGMP(&o, &m)
	return m, f
}

func TestIGMPQueries(t *testing.T) {
	for _, c := range []struct {
		name, octets string
		want         GroupQuery
	}{
		{"version 1", "11 00 0000 00000000", GroupQuery{Version: 1, MaxResponse: 10 * time.Second}},
		{"version 2, general", "11 64 0000 00000000", GroupQuery{Version: 2, MaxResponse: 10 * time.Second}},
		{"version 2, 25.5 s", "11 ff 0000 00000000", GroupQuery{Version: 2, MaxResponse: 25500 * time.Millisecond}},
		{"version 3, general", "11 64 0000 00000000 02 7d 0000", GroupQuery{Version: 3, MaxResponse: 10 * time.Second, Robustness: 2, Interval: 125 * time.Second}},
		{"version 3, longest times", "11 ff 0000 00000000 0f ff 0000", GroupQuery{Version: 3, MaxResponse: 3174400 * time.Millisecond, Suppress: true, Robustness: 7, Interval: 31744 * time.Second}},
		{"version 3, 12.8 s", "11 80 0000 00000000 02 80 0000", GroupQuery{Version: 3, MaxResponse: 12800 * time.Millisecond, Robustness: 2, Interval: 128 * time.Second}},
		{"version 3, a source", "11 00 0000 00000000 00 00 0001 c0000201", GroupQuery{Version: 3, Sources: Addrs(a4)}},
	} {
		c.want.Group = netip.IPv4Unspecified()
		m, _ := parseIGMP(unhex(c.octets))
		var q GroupQuery
		if f := ParseIGMPQuery(&m, &q); f != OK || !sameQuery(q, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, f, q, c.want)
		}
		b := make([]byte, q.Size4())
		PutIGMPQuery(b, &q)
		if !bytes.Equal(b, unhex(c.octets)) {
			t.Errorf("%s: wrote % x", c.name, b)
		}
	}
}

func sameQuery(a, b GroupQuery) bool {
	if !bytes.Equal(a.Sources.b, b.Sources.b) {
		return false
	}
	a.Sources, b.Sources = AddrList{}, AddrList{}
	return reflect.DeepEqual(a, b)
}

func TestMLDQueries(t *testing.T) {
	group := "ff050000000000000000000000000002"
	for _, c := range []struct {
		name, octets string
		want         GroupQuery
	}{
		{"version 1", "82 00 0000 2710 0000 " + group, GroupQuery{Version: 1, MaxResponse: 10 * time.Second}},
		{"version 2", "82 00 0000 2710 0000 " + group + " 02 7d 0000", GroupQuery{Version: 2, MaxResponse: 10 * time.Second, Robustness: 2, Interval: 125 * time.Second}},
		{"version 2, longest", "82 00 0000 ffff 0000 " + group + " 02 7d 0000", GroupQuery{Version: 2, MaxResponse: 8387584 * time.Millisecond, Robustness: 2, Interval: 125 * time.Second}},
		{"version 2, a source", "82 00 0000 8000 0000 " + group + " 08 00 0001 20010db8000000000000000000000001", GroupQuery{Version: 2, MaxResponse: 32768 * time.Millisecond, Suppress: true, Sources: Addrs(a6)}},
	} {
		c.want.Group = netip.MustParseAddr("ff05::2")
		m, _ := parseICMP(unhex(c.octets))
		var q GroupQuery
		if f := ParseMLDQuery(&m, &q); f != OK || !sameQuery(q, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, f, q, c.want)
		}
		b := make([]byte, q.Size6())
		PutMLDQuery(b, &q)
		if !bytes.Equal(b, unhex(c.octets)) {
			t.Errorf("%s: wrote % x", c.name, b)
		}
	}
}

// A number is written as the code of the largest one not above it.
func TestGroupTimeCodes(t *testing.T) {
	for c := range 256 {
		v := expand8(uint8(c))
		if compress8(v) != uint8(c) {
			t.Errorf("code %d is %d, written as %d", c, v, compress8(v))
		}
		if c > 0 && compress8(v-1) != uint8(c-1) {
			t.Errorf("%d is written as %d", v-1, compress8(v-1))
		}
	}
	for c := range 1 << 16 {
		v := expand16(uint16(c))
		if compress16(v) != uint16(c) || c > 0 && compress16(v-1) != uint16(c-1) {
			t.Fatalf("code %d is %d, written as %d", c, v, compress16(v))
		}
	}
	if compress8(1<<31) != 0xff || compress16(1<<31) != 0xffff {
		t.Error("what is too long is not cut to the longest")
	}
}

func TestGroupReports(t *testing.T) {
	g4, g6 := netip.MustParseAddr("239.1.2.3"), netip.MustParseAddr("ff05::2")
	r4 := GroupRecords{}.Append(GroupRecord{ChangeToExclude, g4, AddrList{}}).Append(GroupRecord{AllowSources, g4, Addrs(a4, b4)})
	b := make([]byte, r4.Size())
	PutIGMPReport(b, r4)
	if want := unhex("22 00 0000 0000 0002 04 00 0000 ef010203 05 00 0002 ef010203 c0000201 c6336407"); !bytes.Equal(b, want) {
		t.Errorf("wrote % x", b)
	}
	m, _ := parseIGMP(b)
	var g GroupRecords
	if f := ParseIGMPReport(&m, &g); f != OK || !reflect.DeepEqual(g, r4) {
		t.Errorf("%v %+v", f, g)
	}
	all := slices.Collect(g.All())
	if len(all) != 2 || all[1].Kind != AllowSources || all[1].Group != g4 || !slices.Equal(slices.Collect(all[1].Sources.All()), []netip.Addr{a4, b4}) || all[1].Sources.Len() != 2 || all[0].Sources.Len() != 0 {
		t.Errorf("%+v", all)
	}
	r6 := GroupRecords{}.Append(GroupRecord{BlockSources, g6, Addrs(a6)})
	b = make([]byte, r6.Size())
	PutMLDReport(b, r6)
	if want := unhex("8f 00 0000 0000 0001 06 00 0001 ff050000000000000000000000000002 20010db8000000000000000000000001"); !bytes.Equal(b, want) {
		t.Errorf("wrote % x", b)
	}
	n, _ := parseICMP(b)
	if f := ParseMLDReport(&n, &g); f != OK || !reflect.DeepEqual(g, r6) {
		t.Errorf("%v %+v", f, g)
	}
}

func TestRecordKinds(t *testing.T) {
	// RFC 9776 §4.2.12 numbers them from 1.
	for i, k := range []RecordKind{ModeIsInclude, ModeIsExclude, ChangeToInclude, ChangeToExclude, AllowSources, BlockSources} {
		if int(k) != i+1 {
			t.Errorf("kind %d is %d", i+1, k)
		}
	}
}

func TestGroupReportSkipsAuxiliaryData(t *testing.T) {
	m, _ := parseIGMP(unhex("22 00 0000 0000 0002 04 02 0000 ef010203 deadbeef deadbeef 03 00 0000 ef010204 ffff"))
	var g GroupRecords
	f := ParseIGMPReport(&m, &g)
	all := slices.Collect(g.All())
	if f != OK || len(all) != 2 || all[1].Kind != ChangeToInclude || all[1].Group.String() != "239.1.2.4" {
		t.Errorf("%v %+v", f, all)
	}
}

func TestGroupMessageFaults(t *testing.T) {
	igmp := func(s string) Fault {
		m, f := parseIGMP(unhex(s))
		if f != OK {
			return f
		}
		if m.Type == IGMPQuery {
			return ParseIGMPQuery(&m, new(GroupQuery))
		}
		return ParseIGMPReport(&m, new(GroupRecords))
	}
	mld := func(s string) Fault {
		m, _ := parseICMP(unhex(s))
		if m.Type == ICMPv6MLDQuery {
			return ParseMLDQuery(&m, new(GroupQuery))
		}
		return ParseMLDReport(&m, new(GroupRecords))
	}
	group := "ff050000000000000000000000000002"
	for _, c := range []struct {
		name string
		got  Fault
		want Fault
	}{
		{"IGMP of 7 octets", igmp("11 00 0000 000000"), Truncated},
		{"IGMP query of 11 octets", igmp("11 00 0000 00000000 000000"), Truncated},
		{"IGMP query, a source too many", igmp("11 00 0000 00000000 00 00 0002 c0000201"), Truncated},
		{"IGMP report of version 2", igmp("16 00 0000 ef010203"), BadType},
		{"MLD query of 23 octets", mld("82 00 0000 0000 0000 " + group[:30]), Truncated},
		{"MLD query of 27 octets", mld("82 00 0000 0000 0000 " + group + "000000"), Truncated},
		{"MLD query, a source too many", mld("82 00 0000 0000 0000 " + group + "00000001"), Truncated},
		{"MLD report of version 1", mld("83 00 0000 0000 0000 " + group), BadType},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	m := IGMP{Type: IGMPv3Report}
	if f := ParseIGMPQuery(&m, new(GroupQuery)); f != BadType {
		t.Errorf("a report read as a query: %v", f)
	}
	n := ICMP{Type: ICMPv6Echo}
	if f := ParseMLDQuery(&n, new(GroupQuery)); f != BadType {
		t.Errorf("an echo read as a query: %v", f)
	}
}

func checkGroupRoundTrip6(t *testing.T, m *ICMP) {
	var q, q2 GroupQuery
	if ParseMLDQuery(m, &q) == OK {
		b := make([]byte, q.Size6())
		PutMLDQuery(b, &q)
		n, _ := parseICMP(b)
		if f := ParseMLDQuery(&n, &q2); f != OK || !sameQuery(q, q2) {
			t.Fatalf("%v\nread  %+v\nagain %+v", f, q, q2)
		}
	}
	var g GroupRecords
	if ParseMLDReport(m, &g) == OK {
		again := rebuilt(t, g)
		b := make([]byte, again.Size())
		PutMLDReport(b, again)
		n, _ := parseICMP(b)
		var g2 GroupRecords
		if f := ParseMLDReport(&n, &g2); f != OK || !sameRecords(g, g2) {
			t.Fatalf("%v: %+v became %+v", f, g, g2)
		}
	}
}

// rebuilt appends the records one by one, which leaves out auxiliary data.
func rebuilt(t *testing.T, g GroupRecords) (h GroupRecords) {
	n := 0
	for r := range g.All() {
		h = h.Append(r)
		n++
	}
	if n != g.Len() || h.Len() != n {
		t.Fatalf("%d records, said to be %d", n, g.Len())
	}
	return h
}

func sameRecords(a, b GroupRecords) bool {
	return slices.EqualFunc(slices.Collect(a.All()), slices.Collect(b.All()), func(r, s GroupRecord) bool {
		return r.Kind == s.Kind && r.Group == s.Group && slices.Equal(slices.Collect(r.Sources.All()), slices.Collect(s.Sources.All()))
	})
}

func FuzzParseIGMP(f *testing.F) {
	f.Add(unhex("11 64 0000 00000000 02 7d 0001 c0000201"))
	f.Add(unhex("22 00 0000 0000 0002 04 00 0000 ef010203 05 00 0002 ef010203 c0000201 c6336407"))
	f.Add(unhex("22 00 0000 0000 ffff 04 ff ffff ef010203"))
	f.Add(unhex("16 00 0000 ef010203"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, fault := parseIGMP(b)
		if fault != OK {
			return
		}
		var q, q2 GroupQuery
		if ParseIGMPQuery(&m, &q) == OK {
			out := make([]byte, q.Size4())
			PutIGMPQuery(out, &q)
			n, _ := parseIGMP(out)
			if f := ParseIGMPQuery(&n, &q2); f != OK || !sameQuery(q, q2) {
				t.Fatalf("%v\nread  %+v\nagain %+v", f, q, q2)
			}
		}
		var g, g2 GroupRecords
		if ParseIGMPReport(&m, &g) == OK {
			out := make([]byte, rebuilt(t, g).Size())
			PutIGMPReport(out, rebuilt(t, g))
			n, _ := parseIGMP(out)
			if f := ParseIGMPReport(&n, &g2); f != OK || !sameRecords(g, g2) {
				t.Fatalf("%v: %+v became %+v", f, g, g2)
			}
		}
		packet := packetOf(header4(ProtoIGMP), b[:min(len(b), 65000)])
		checkPrinting(t, Plain(packet), 0)
		checkExplanation(t, packet, 0)
	})
}
