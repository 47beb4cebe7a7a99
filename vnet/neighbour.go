package vnet

import (
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// acquainted is how many hosts of a network know each other from the beginning.
// Those of larger ones ask (resolve).
const acquainted = 64

// meet tells two hosts of a network of each other.
func (k *nic) meet(o *node) error {
	for _, other := range o.nics {
		if other.lan != k.lan {
			continue
		}
		if err := k.know(other); err != nil {
			return err
		}
		if err := other.know(k); err != nil {
			return err
		}
	}
	return nil
}

// know enters the addresses of another interface.
func (k *nic) know(other *nic) error {
	for _, a := range other.node.addrs {
		if _, onLink := other.neighbour(a); !onLink {
			continue
		}
		if err := k.node.stack.AddNeighbour(k.index, a, other.mac[:]); err != nil {
			return err
		}
	}
	return nil
}

// resolve looks whether a packet of the stack is about finding neighbours. If it
// asks for one that the network knows, the answer comes within a microsecond. No
// such packet goes further, so that a lost one delays nothing. k.mu is held.
func (k *nic) resolve(p *link.Packet) bool {
	o := wire.Octets{Head: p.Head(), Data: chunk.Borrow(p.Data.B)}
	var e wire.Ethernet
	if wire.ParseEthernet(&o, &e) != wire.OK {
		return false
	}
	o.Pull(e.Size())
	switch e.Type {
	case wire.EtherARP:
		k.resolve4(&o)
		return true
	case wire.EtherIPv6:
		return k.resolve6(&o)
	}
	return false
}

func (k *nic) resolve4(o *wire.Octets) {
	var a wire.ARP
	if wire.ParseARP(o, &a) != wire.OK || a.Op != wire.ARPRequest || a.Sender == a.Target || a.Sender.IsUnspecified() {
		return // an announcement or a test, which the network has made when it gave the address
	}
	mac, known := k.neighbour(a.Target)
	if !known {
		return
	}
	var p link.Packet
	b := p.SetHead(14 + wire.ARPLen)
	wire.PutEthernet(b, &wire.Ethernet{Dst: k.mac, Src: mac, Type: wire.EtherARP})
	wire.PutARP(b[14:], &wire.ARP{
		Op: wire.ARPReply, SenderMAC: mac, Sender: a.Target, TargetMAC: k.mac, Target: a.Sender,
	})
	k.answer(&p)
}

// The messages of ICMPv6 that concern the link alone: groups from 130 to 132 and
// 143 (RFC 2710, RFC 3810), routers and neighbours from 133 to 137 (RFC 4861).
func linkMessage(kind uint8) bool { return kind >= 130 && kind <= 137 || kind == 143 }

func (k *nic) resolve6(o *wire.Octets) bool {
	var h wire.IP
	if wire.ParseIP(o, &h) != wire.OK || h.Proto != wire.ProtoICMPv6 || h.IsFragment() {
		return false
	}
	o.Pull(int(h.HeaderLen))
	var m wire.ICMP
	if wire.ParseICMP(o, &m) != wire.OK {
		return false
	}
	var ask wire.NeighborSolicit
	if m.Type != wire.ICMPv6NeighborSolicit || wire.ParseNeighborSolicit(&m, &ask) != wire.OK {
		return linkMessage(m.Type)
	}
	mac, known := k.neighbour(ask.Target)
	if !known || h.Src.IsUnspecified() {
		return true
	}
	const linkAddress = 2 // target link-layer address (RFC 4861 §4.6.1)
	reply := wire.NeighborAdvert{
		Target: ask.Target, Solicited: true, Override: true, Options: append([]byte{linkAddress, 1}, mac[:]...),
	}
	head := wire.IP{Src: ask.Target, Dst: h.Src, Proto: wire.ProtoICMPv6, TTL: 255, Len: wire.IPv6Len + reply.Size()}
	var p link.Packet
	b := p.SetHead(14 + head.Len)
	wire.PutEthernet(b, &wire.Ethernet{Dst: k.mac, Src: mac, Type: wire.EtherIPv6})
	wire.PutIP(b[14:], &head)
	wire.PutNeighborAdvert(b[14+wire.IPv6Len:], &reply)
	head.Seal(b[14+wire.IPv6Len:], nil)
	k.answer(&p)
	return true
}

func (k *nic) answer(p *link.Packet) {
	k.inbox = keep(k.inbox, p)
	k.answers.Set(k.net.line.Now() + 1)
}

// neighbour returns who has an address on the link.
func (k *nic) neighbour(a netip.Addr) (wire.MAC, bool) {
	k.net.mu.Lock()
	defer k.net.mu.Unlock()
	mac, known := k.lan.macs[a]
	return mac, known
}
