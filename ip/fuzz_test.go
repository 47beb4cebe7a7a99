package ip

import (
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

// A fuzz target for each protocol of the link. The host under test listens to
// routers, is testing an address, and has a neighbour that answers and one that it
// is asking for. Whatever arrives, nothing panics, time goes on, and the caps hold.

// harass hands three frames to the host and lets time pass.
func harass(t *testing.T, ether wire.EtherType, frames ...[]byte) {
	b, eth := etherHost(t)
	now := 10 * second
	b.ok(b.Autoconfigure(now, eth, Autoconf{Temporary: true}))
	b.ok(b.AddAddress(now, eth, Address{Prefix: prefix("192.0.2.6/24"), State: Tentative}))
	b.ok(b.Join(now, eth, addr("239.1.2.3")))
	b.bystander(now, eth)
	b.post(now, "192.0.2.9")
	for _, octets := range append(frames, frames[0]) {
		p := Packet{Octets: wire.Plain(octets), Interface: eth, MAC: macOf(9), Ether: ether}
		var v Verdict
		b.Arrive(now, &p, &v)
		if (v.Kind == Drop) != (v.Reason != NotDropped) {
			t.Fatalf("%v with reason %v", v.Kind, v.Reason)
		}
		b.run(&now, now+second)
	}
	b.run(&now, now+200*second)
	b.run(&now, now.Add(50*time.Hour))
	x := b.links[eth].auto
	if len(x.routers) > maxRouters || len(x.prefixes) > maxPrefixes || len(x.servers.list) > maxServers || len(x.domains.list) > maxDomains || len(x.detours) > maxRedirects {
		t.Fatalf("a cap does not hold: %+v", x)
	}
	for why, count := range b.neigh.count {
		if count > trustCaps[why] {
			t.Fatalf("%d neighbours of kind %d", count, why)
		}
	}
}

func FuzzARP(f *testing.F) {
	for _, a := range []wire.ARP{
		{Op: wire.ARPReply, SenderMAC: macOf(9), Sender: addr("192.0.2.9"), TargetMAC: macOf(1), Target: addr("192.0.2.5")},
		{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("192.0.2.6"), Target: addr("192.0.2.6")},
		{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("192.0.2.5"), Target: addr("192.0.2.1")},
	} {
		o := make([]byte, wire.ARPLen)
		wire.PutARP(o, &a)
		f.Add(o, o)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) { harass(t, wire.EtherARP, one, two) })
}

// icmp6 makes a packet of what follows the checksum of an ICMPv6 message.
func icmp6(kind, hops byte, body []byte) []byte {
	h := between("fe80::99", "ff02::1", wire.ProtoICMPv6)
	h.TTL = hops
	if len(body) > 1400 {
		body = body[:1400]
	}
	return packet(h, append([]byte{kind, 0, 0, 0}, body...))
}

func FuzzNeighbourDiscovery(f *testing.F) {
	for _, p := range [][]byte{
		solicitation("2001:db8:1::9", "ff02::1:ff00:5", "2001:db8:1::5", wire.NDOptions(nil).AppendSourceMAC(macOf(9))),
		advertisement("2001:db8:1::9", "2001:db8:1::5", "2001:db8:1::9", true, true, macOf(9)),
	} {
		f.Add(p[40], p[44:], p[44:])
	}
	f.Fuzz(func(t *testing.T, kind byte, one, two []byte) {
		harass(t, wire.EtherIPv6, icmp6(133+kind%5, 255, one), icmp6(kind, 255, two))
	})
}

func FuzzRouterAdvertisement(f *testing.F) {
	p := someAdvert("fe80::99")
	f.Add(p[44:], p[44:])
	f.Fuzz(func(t *testing.T, one, two []byte) {
		harass(t, wire.EtherIPv6, icmp6(wire.ICMPv6RouterAdvert, 255, one), icmp6(wire.ICMPv6RouterAdvert, 255, two))
	})
}

func FuzzGroupQuery(f *testing.F) {
	f.Add(igmpQuery(3, "", time.Second)[28:], mldQuery(2, "", time.Second)[52:])
	f.Fuzz(func(t *testing.T, four, six []byte) {
		h := between("192.0.2.1", "224.0.0.1", wire.ProtoIGMP)
		h.TTL = 1
		igmp := packet(h, append([]byte{wire.IGMPQuery, 10, 0, 0}, four[:min(len(four), 1400)]...))
		h = between("fe80::99", "ff02::1", wire.ProtoICMPv6)
		h.TTL, h.Next, h.Extra = 1, wire.ProtoHopByHop, []byte{byte(wire.ProtoICMPv6), 0, 5, 2, 0, 0, 1, 0}
		mld := packet(h, append([]byte{wire.ICMPv6MLDQuery, 0, 0, 0}, six[:min(len(six), 1400)]...))
		harass(t, 0, igmp, mld)
	})
}
