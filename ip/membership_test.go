package ip

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// told returns what a packet tells of groups, in a short form.
func (b *bench) told(s *sent) string {
	b.t.Helper()
	to := s.ip.Dst.String()
	if s.ip.TTL != 1 || s.ip.Flags&wire.RouterAlert == 0 {
		b.t.Errorf("a report with TTL %d, flags %b", s.ip.TTL, s.ip.Flags)
	}
	o := wire.Plain(s.body)
	var records wire.GroupRecords
	if s.ip.Is6() {
		var m wire.ICMP
		wire.ParseICMP(&o, &m)
		if m.Type != wire.ICMPv6MLDv2Report {
			return fmt.Sprintf("%s: type %d", to, m.Type)
		}
		if f := wire.ParseMLDReport(&m, &records); f != wire.OK {
			b.t.Errorf("%v: %x", f, s.octets)
		}
	} else {
		var m wire.IGMP
		wire.ParseIGMP(&o, &m)
		if m.Type != wire.IGMPv3Report {
			return fmt.Sprintf("%s: type %#x %v", to, m.Type, m.Group)
		}
		if f := wire.ParseIGMPReport(&m, &records); f != wire.OK {
			b.t.Errorf("%v: %x", f, s.octets)
		}
	}
	text := to + ":"
	for r := range records.All() {
		text += fmt.Sprintf(" %d %v", r.Kind, r.Group)
	}
	return text
}

// reports lets time pass and returns what is told of groups.
func (b *bench) reports(now *mono.Time, until mono.Time) (all []string, at []mono.Time) {
	b.t.Helper()
	sent, when := b.runAll(now, until)
	for k := range sent {
		if isReport(&sent[k]) {
			all, at = append(all, b.told(&sent[k])), append(at, when[k])
		}
	}
	return all, at
}

// member is a host on a link with routers.
func member(t *testing.T) (b *bench, id ID, now mono.Time) {
	b = newBench(t, Config{Key: [16]byte{3}})
	id = b.iface("eth0", 1500, Multicast|Ethernet, "192.0.2.5/24", "fe80::5/64", "2001:db8:1::5/64")
	return b, id, 10 * second
}

func (b *bench) wantReports(when string, got []string, want ...string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: tells\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRFC9776_5_1_JoinAndLeave(t *testing.T) {
	b, id, now := member(t)
	four, six := addr("239.1.2.3"), addr("ff05::1:3")
	// RFC 9776 §5.1: a change is told at once, and again within a second.
	began := now
	b.ok(b.Join(now, id, four))
	got, at := b.reports(&now, now+5*second)
	b.wantReports("joined", got, "224.0.0.22: 4 239.1.2.3", "224.0.0.22: 4 239.1.2.3")
	if len(at) == 2 && (at[0] != began || at[1].Sub(began) > unsolicitedReport) {
		t.Errorf("told at %v and %v, joined at %v", at[0], at[1], began)
	}
	b.ok(b.Join(now, id, six))
	b.ok(b.Join(now, id, six))
	got, _ = b.reports(&now, now+5*second)
	b.wantReports("joined twice", got, "ff02::16: 4 ff05::1:3", "ff02::16: 4 ff05::1:3")
	b.ok(b.Leave(now, id, six))
	got, _ = b.reports(&now, now+5*second)
	b.wantReports("left once", got)
	b.ok(b.Leave(now, id, six))
	b.ok(b.Leave(now, id, four))
	got, _ = b.reports(&now, now+5*second)
	b.wantReports("left", got, "ff02::16: 3 ff05::1:3", "224.0.0.22: 3 239.1.2.3", "ff02::16: 3 ff05::1:3", "224.0.0.22: 3 239.1.2.3")
	if err := b.Leave(now, id, four); err != ErrNotFound {
		t.Errorf("left once too often: %v", err)
	}
	if err := b.Join(now, id, addr("192.0.2.1")); err != ErrInvalid {
		t.Errorf("joined a host: %v", err)
	}
	if err := b.Join(now, 77, four); err != ErrNoInterface {
		t.Errorf("joined nowhere: %v", err)
	}
	if b.Deadline() != mono.Never {
		t.Errorf("deadline %v", b.Deadline())
	}
}

// igmpQuery and mldQuery make a query, of everything with the zero group.
func igmpQuery(version uint8, group string, most time.Duration) []byte {
	q := wire.GroupQuery{Version: version, Group: addr("0.0.0.0"), MaxResponse: most}
	dst := "224.0.0.1"
	if group != "" {
		q.Group, dst = addr(group), group
	}
	body := make([]byte, q.Size4())
	wire.PutIGMPQuery(body, &q)
	h := between("192.0.2.1", dst, wire.ProtoIGMP)
	h.TTL, h.Extra = 1, []byte{148, 4, 0, 0}
	h.Seal(body, nil)
	return packet(h, body)
}

func mldQuery(version uint8, group string, most time.Duration) []byte {
	q := wire.GroupQuery{Version: version, Group: addr("::"), MaxResponse: most}
	dst := "ff02::1"
	if group != "" {
		q.Group, dst = addr(group), group
	}
	body := make([]byte, q.Size6())
	wire.PutMLDQuery(body, &q)
	h := between("fe80::1", dst, wire.ProtoICMPv6)
	h.TTL, h.Next, h.Extra = 1, wire.ProtoHopByHop, []byte{byte(wire.ProtoICMPv6), 0, 5, 2, 0, 0, 1, 0}
	h.Seal(body, nil)
	return packet(h, body)
}

// RFC 9776 §5.2, RFC 9777 §6.2: queries are answered within their time.
func TestRFC9776_5_2_GroupQueries(t *testing.T) {
	b, id, now := member(t)
	b.ok(b.Join(now, id, addr("239.1.2.3")))
	b.ok(b.Join(now, id, addr("239.1.2.4")))
	b.run(&now, now+5*second)
	for _, c := range []struct {
		name   string
		query  []byte
		within time.Duration
		want   []string
	}{
		{"all of IPv4", igmpQuery(3, "", 10*time.Second), 10 * time.Second, []string{"224.0.0.22: 2 239.1.2.3 2 239.1.2.4"}},
		{"all of IPv6", mldQuery(2, "", 10*time.Second), 10 * time.Second, []string{"ff02::16: 2 ff02::1:ff00:5"}},
		{"one group", igmpQuery(3, "239.1.2.4", time.Second), time.Second, []string{"224.0.0.22: 2 239.1.2.4"}},
		{"a group that we are not in", igmpQuery(3, "239.1.2.5", time.Second), time.Second, nil},
		{"a group of IPv6", mldQuery(2, "ff02::1:ff00:5", time.Second), time.Second, []string{"ff02::16: 2 ff02::1:ff00:5"}},
	} {
		if v := b.arrive(now, id, c.query); v.Kind != Answer && c.want != nil {
			t.Errorf("%s: %v (%v)", c.name, v.Kind, v.Reason)
		}
		began := now
		got, at := b.reports(&now, now+20*second)
		b.wantReports(c.name, got, c.want...)
		for _, when := range at {
			if when.Sub(began) > c.within {
				t.Errorf("%s: answered after %v", c.name, when.Sub(began))
			}
		}
	}
}

// RFC 9776 §7.2, RFC 9777 §8.2: with a router of an older version on the link we
// speak that, until it has been silent for long enough.
func TestRFC9776_7_2_OlderQueriers(t *testing.T) {
	b, id, now := member(t)
	group := addr("239.1.2.3")
	b.arrive(now, id, igmpQuery(2, "", time.Second))
	b.arrive(now, id, mldQuery(1, "", time.Second))
	got, _ := b.reports(&now, now+5*second)
	b.wantReports("asked by older routers", got, "ff02::1:ff00:5: type 131")
	b.ok(b.Join(now, id, group))
	b.ok(b.Leave(now, id, group))
	got, _ = b.reports(&now, now+5*second)
	b.wantReports("version 2", got, "239.1.2.3: type 0x16 239.1.2.3", "224.0.0.2: type 0x17 239.1.2.3", "224.0.0.2: type 0x17 239.1.2.3")
	b.arrive(now, id, igmpQuery(1, "", 0))
	b.ok(b.Join(now, id, group))
	b.ok(b.Leave(now, id, group))
	got, _ = b.reports(&now, now+20*second)
	b.wantReports("version 1", got, "239.1.2.3: type 0x12 239.1.2.3")
	now = now.Add(olderQuerierTime)
	b.ok(b.Join(now, id, group))
	got, _ = b.reports(&now, now+5*second)
	b.wantReports("later", got, "224.0.0.22: 4 239.1.2.3", "224.0.0.22: 4 239.1.2.3")
}

// Many groups need many packets, each within the MTU.
func TestReportsFitTheLink(t *testing.T) {
	b := newBench(t, Config{})
	id := b.iface("eth0", 576, Multicast, "192.0.2.5/24")
	now := 10 * second
	for k := range 200 {
		b.ok(b.Join(now, id, addr(fmt.Sprintf("239.1.2.%d", k))))
	}
	b.run(&now, now+5*second)
	b.arrive(now, id, igmpQuery(3, "", time.Second))
	all, _ := b.runAll(&now, now+5*second)
	groups := 0
	for k := range all {
		groups += strings.Count(b.told(&all[k]), " 2 ")
		if all[k].ip.Len > 576 {
			t.Errorf("a report of %d octets", all[k].ip.Len)
		}
	}
	if groups != 200 {
		t.Errorf("%d groups are told", groups)
	}
}

// T-09: queries that lie about their length, want an answer at once, or come in a
// flood (CVE-2019-12259). The rate of answers is limited.
func TestThreat_T09_GroupQueries(t *testing.T) {
	b, id, now := member(t)
	for k := range 100 {
		b.ok(b.Join(now, id, addr(fmt.Sprintf("239.1.2.%d", k))))
	}
	b.run(&now, now+5*second)
	for _, whole := range [][]byte{igmpQuery(3, "", 0), mldQuery(2, "", 0)} {
		lie := slices.Clone(whole)
		lie[len(lie)-1] = 200 // sources that are not there
		h, o := wire.IP{}, wire.Plain(lie)
		wire.ParseIP(&o, &h)
		body := lie[h.HeaderLen:]
		h.Seal(body, nil)
		b.want(now, id, lie, Drop, BadGroupMessage)
		short := slices.Clone(whole)
		short[len(short)-5] ^= 1
		b.want(now, id, short, Drop, BadChecksum)
	}
	far := mldQuery(2, "", 0)
	far[7] = 64
	b.want(now, id, far, Drop, BadGroupMessage)
	b.none(now)
	answers := 0
	for k := range 10_000 {
		b.arrive(now, id, igmpQuery(3, "", 0))
		b.arrive(now, id, igmpQuery(3, fmt.Sprintf("239.1.2.%d", k%100), 0))
		b.arrive(now, id, mldQuery(2, "", 0))
		all, _ := b.runAll(&now, now+second/1000)
		answers += len(all)
	}
	if answers == 0 || answers > 2*(10+1)*10 {
		t.Errorf("%d answers in ten seconds", answers)
	}
	if n := len(b.links[id].asked); n > maxAsked {
		t.Errorf("%d groups are asked for", n)
	}
	b.healthy(now, id)
}
