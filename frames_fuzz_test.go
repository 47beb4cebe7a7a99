package octet

import (
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// FuzzFrames sends any frames into a host on Ethernet that has sockets of all kinds
// and configures itself. Nothing panics, every frame that the host sends is one that
// can be read, tables keep within their caps, and nothing is left in the end.
//
// The input is a program: each frame is a proper one that is changed in some octets,
// with its checksums made right again or not, or one of arbitrary octets; or time passes.
func FuzzFrames(f *testing.F) {
	n := byte(len(templates))
	for k := range n {
		f.Add([]byte{k, 0, 0, opTime, 40, k, 1, 0, 14, 9, fixSums})
	}
	f.Add([]byte{n - 1, 0, 0, n - 2, 0, 0, opTime, 255, n - 3, 2, 0, 50, 7, 1, 3, 9, fixSums})
	f.Add([]byte{opRaw, 14, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, opTime, 1})
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 512 {
			return
		}
		newFuzzed(t).run(program)
	})
}

// The instructions of a program besides the numbers of templates.
const (
	opTime = 0xfe // the next octet's square in milliseconds passes
	opRaw  = 0xff // a frame of so many octets, which follow
)

// fixSums in the last octet of an instruction makes checksums right again.
const fixSums = 1

// A fuzzed host, and the peer that sends it frames.
type fuzzed struct {
	t      *testing.T
	line   *timeline.Timeline
	host   *Host
	device *ether
	conn   *Socket
	iss    wire.Seq // of the host's end of the connection
}

// An ether is an Ethernet device that keeps the last TCP segment that was sent, and
// checks everything else.
type ether struct {
	t   *testing.T
	to  link.Receiver
	syn wire.Seq
}

var fuzzMAC, peerMAC = wire.MAC{2, 0, 0, 0, 0, 1}, wire.MAC{2, 0, 0, 0, 0, 9}

func (d *ether) Attach(r link.Receiver) { d.to = r }
func (d *ether) Flush()                 {}
func (d *ether) Close() error           { return nil }
func (d *ether) Info() link.Info {
	return link.Info{Name: "eth0", MTU: 1500, Ethernet: true, MAC: fuzzMAC}
}

func (d *ether) Send(p *link.Packet) {
	o := wire.Plain(p.AppendTo(nil))
	p.Data.Release()
	var e wire.Ethernet
	if wire.ParseEthernet(&o, &e) != wire.OK || e.Src != fuzzMAC || o.Len() > 1500+14 {
		d.t.Fatalf("sent a frame that is none: %x", o.Data.B)
	}
	o.Pull(e.Size())
	if e.Type == wire.EtherARP {
		var a wire.ARP
		if wire.ParseARP(&o, &a) != wire.OK {
			d.t.Fatalf("sent bad ARP: %x", o.Data.B)
		}
		return
	}
	var h wire.IP
	if fault := wire.ParseIP(&o, &h); fault != wire.OK {
		d.t.Fatalf("sent a packet with %v: %x", fault, o.Data.B)
	}
	o.Pull(int(h.HeaderLen))
	if !h.IsFragment() && h.Verify(&o) != wire.OK {
		d.t.Fatalf("sent a packet with a bad checksum: %x", o.Data.B)
	}
	var s wire.Segment
	if h.Proto == wire.ProtoTCP && wire.ParseTCP(&o, &s) == wire.OK && s.Flags.Has(wire.SYN) {
		d.syn = s.Seq
	}
}

// newFuzzed returns a host with addresses that were given and one that is tested, a
// listener, datagram sockets, a connection, and an open request for a neighbour.
func newFuzzed(t *testing.T) *fuzzed {
	line := timeline.NewManual()
	x := &fuzzed{t: t, line: line, device: &ether{t: t}}
	x.host = NewHost(WithTimeline(line), WithSeed(1))
	h := x.host
	attach(t, h, x.device, "192.0.2.1/24", "2001:db8::1/64")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.Autoconfigure(2, ip.Autoconf{Temporary: true}))
	_, err := h.Listen("tcp", ":80")
	must(err)
	u, err := h.ListenPacket("udp", ":7")
	must(err)
	must(u.(*UDPConn).JoinGroup(2, addr("239.1.2.3")))
	_, err = h.Dial("udp", "192.0.2.9:7")
	must(err)
	must(h.AddNeighbour(2, addr("192.0.2.9"), peerMAC[:]))
	l := listening(t, h, "192.0.2.1:81", 1)
	x.frame(x.segment(81, wire.Segment{Seq: 100, Flags: wire.SYN}))
	x.iss = x.device.syn
	x.frame(x.segment(81, wire.Segment{Seq: 101, Ack: x.iss + 1, Flags: wire.ACK}))
	x.conn = accepted(t, l)
	connecting(t, h, "192.0.2.77:80") // whom nobody answers for
	return x
}

// run carries out a program and ends the host.
func (x *fuzzed) run(program []byte) {
	for frames := 0; len(program) > 2 && frames < 64; frames++ {
		switch op := program[0]; op {
		case opTime:
			ms := time.Duration(program[1]) * time.Duration(program[1])
			after(x.line, ms*time.Millisecond)
			program = program[2:]
		case opRaw:
			n := min(int(program[1]), len(program)-2)
			x.frame(program[2 : 2+n])
			program = program[2+n:]
		default:
			program = x.change(templates[int(op)%len(templates)](x), program[1:])
		}
		x.read()
	}
	x.check()
	after(x.line, time.Minute)
	if err := x.host.Close(); err != nil {
		x.t.Fatal(err)
	}
	if s := x.host.Stats(); s.Connections+s.HalfOpen+s.Orphans+s.TimeWaits != 0 || x.line.Len() != 0 {
		x.t.Fatalf("a closed host holds %+v and %d timers", s, x.line.Len())
	}
}

// change sends a frame that the next instruction changes: a number of octets with
// their places, and what is to be done afterwards. It returns the rest of the program.
func (x *fuzzed) change(b, program []byte) []byte {
	n := int(program[0]) % 8
	program = program[1:]
	for ; n > 0 && len(program) > 2; n-- {
		b[(int(program[0])<<8|int(program[1]))%len(b)] = program[2]
		program = program[3:]
	}
	if len(program) > 0 {
		if program[0]&fixSums != 0 {
			mend(b)
		}
		if cut := int(program[0] >> 1); cut < len(b) {
			b = b[:len(b)-cut]
		}
		program = program[1:]
	}
	x.frame(b)
	return program
}

// mend makes the checksums of a frame right, as far as it has any.
func mend(b []byte) {
	if len(b) < 34 {
		return
	}
	if p := b[14:]; p[0]>>4 == 4 {
		if n := int(p[0]&15) * 4; n >= 20 && n <= len(p) {
			p[10], p[11] = 0, 0
			c := wire.Sum(0).Add(p[:n]).Checksum()
			p[10], p[11] = byte(c>>8), byte(c)
		}
	}
	o := wire.Plain(b[14:])
	var h wire.IP
	if wire.ParseIP(&o, &h) != wire.OK || h.IsFragment() {
		return
	}
	if t := b[14+int(h.HeaderLen) : 14+h.Len]; len(t) >= 20 {
		h.Seal(t, nil)
	}
}

// frame has a frame arrive.
func (x *fuzzed) frame(b []byte) {
	x.device.to.Receive(x.line.Now(), []link.Packet{{Data: chunk.Copy(b)}})
}

// read is the program of the host, which reads sometimes.
func (x *fuzzed) read() {
	var b [100]byte
	_, _ = x.conn.Recv(b[:]) // whatever it says
}

func (x *fuzzed) check() {
	h := x.host
	s := h.Stats()
	for what, over := range map[string]bool{
		"half-open connections": s.HalfOpen > 70,
		"neighbours":            len(h.Neighbours()) > 150,
		"addresses":             len(h.Addresses(2)) > 3+16*5,
		"routes":                len(h.Routes()) > 120,
		"octets to be read":     x.conn.Info().ReceiveQueued > 64*1500,
	} {
		if over {
			x.t.Fatalf("too many %s: %+v", what, s)
		}
	}
}

// packet makes a frame for the host of an IP header and what follows it.
func (x *fuzzed) packet(h wire.IP, transport ...byte) []byte {
	n := h.Size()
	h.Len = n + len(transport)
	if h.TTL == 0 {
		h.TTL = 64
	}
	if !h.IsFragment() {
		h.Seal(transport, nil)
	}
	b := make([]byte, 14+n, 14+h.Len)
	f := wire.Ethernet{Dst: fuzzMAC, Src: peerMAC, Type: etherType(h.Dst)}
	if h.Dst.IsMulticast() {
		f.Dst = wire.MAC{0x33, 0x33, 0, 0, 0, 1}
	}
	wire.PutEthernet(b, &f)
	wire.PutIP(b[14:], &h)
	return append(b, transport...)
}

func between(src, dst string, p wire.Proto) wire.IP {
	return wire.IP{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Proto: p, Next: p}
}

// segment makes a frame of a TCP segment from the peer to a port of the host.
func (x *fuzzed) segment(port uint16, s wire.Segment, payload ...byte) []byte {
	s.SrcPort, s.DstPort, s.Window = 5000, port, 1000
	b := make([]byte, s.HeaderLen())
	wire.PutTCP(b, &s)
	return x.packet(between("192.0.2.9", "192.0.2.1", wire.ProtoTCP), append(b, payload...)...)
}

// discovery makes a frame of a message of neighbour discovery.
func discovery[M any](x *fuzzed, src, dst string, m *M, size int, put func([]byte, *M)) []byte {
	b := make([]byte, size)
	put(b, m)
	h := between(src, dst, wire.ProtoICMPv6)
	h.TTL = wire.NDHopLimit
	return x.packet(h, b...)
}

func (x *fuzzed) arp(a wire.ARP) []byte {
	b := make([]byte, 14+wire.ARPLen)
	wire.PutEthernet(b, &wire.Ethernet{Dst: fuzzMAC, Src: peerMAC, Type: wire.EtherARP})
	a.SenderMAC = peerMAC
	wire.PutARP(b[14:], &a)
	return b
}

func (x *fuzzed) icmp(h wire.IP, kind, code byte, rest uint32, body ...byte) []byte {
	b := make([]byte, wire.ICMPLen, wire.ICMPLen+len(body))
	wire.PutICMP(b, &wire.ICMP{Type: kind, Code: code, Rest: rest})
	return x.packet(h, append(b, body...)...)
}

// quoted is a packet of the host's connection, as an ICMP error quotes it.
func (x *fuzzed) quoted() []byte {
	s := wire.Segment{SrcPort: 81, DstPort: 5000, Seq: x.iss + 1, Ack: 101, Flags: wire.ACK}
	b := make([]byte, s.HeaderLen())
	wire.PutTCP(b, &s)
	return x.packet(between("192.0.2.1", "192.0.2.9", wire.ProtoTCP), b...)[14:]
}

// templates are the frames that programs begin with.
var templates = []func(x *fuzzed) []byte{
	func(x *fuzzed) []byte {
		return x.arp(wire.ARP{Op: wire.ARPRequest, Sender: addr("192.0.2.8"), Target: addr("192.0.2.1")})
	},
	func(x *fuzzed) []byte {
		return x.arp(wire.ARP{Op: wire.ARPReply, Sender: addr("192.0.2.77"), Target: addr("192.0.2.1"), TargetMAC: fuzzMAC})
	},
	func(x *fuzzed) []byte {
		return x.arp(wire.ARP{Op: wire.ARPRequest, Sender: addr("192.0.2.1"), Target: addr("192.0.2.1")})
	},
	func(x *fuzzed) []byte {
		m := wire.NeighborSolicit{Target: addr("2001:db8::1"), Options: wire.NDOptions(nil).AppendSourceMAC(peerMAC)}
		return discovery(x, "2001:db8::9", "ff02::1:ff00:1", &m, m.Size(), wire.PutNeighborSolicit)
	},
	func(x *fuzzed) []byte {
		m := wire.NeighborAdvert{Target: addr("2001:db8::1"), Override: true, Options: wire.NDOptions(nil).AppendTargetMAC(peerMAC)}
		return discovery(x, "2001:db8::9", "ff02::1", &m, m.Size(), wire.PutNeighborAdvert)
	},
	func(x *fuzzed) []byte {
		p := wire.PrefixInfo{Prefix: netip.MustParsePrefix("2001:db8:1::/64"), OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Hour}
		m := wire.RouterAdvert{HopLimit: 64, Lifetime: time.Hour}
		m.Options = m.Options.AppendSourceMAC(peerMAC).AppendMTU(1400).AppendPrefix(p).AppendRDNSS(time.Hour, addr("2001:db8::53")).AppendDNSSL(time.Hour, "example.com")
		return discovery(x, "fe80::9", "ff02::1", &m, m.Size(), wire.PutRouterAdvert)
	},
	func(x *fuzzed) []byte {
		m := wire.Redirect{Target: addr("fe80::8"), Destination: addr("2001:db8:9::1")}
		return discovery(x, "fe80::9", "2001:db8::1", &m, m.Size(), wire.PutRedirect)
	},
	func(x *fuzzed) []byte {
		return x.icmp(between("192.0.2.9", "192.0.2.1", wire.ProtoICMPv4), wire.ICMPv4Echo, 0, 7, make([]byte, 40)...)
	},
	func(x *fuzzed) []byte {
		return x.icmp(between("2001:db8::9", "2001:db8::1", wire.ProtoICMPv6), wire.ICMPv6Echo, 0, 7, make([]byte, 40)...)
	},
	func(x *fuzzed) []byte {
		return x.icmp(between("192.0.2.9", "192.0.2.1", wire.ProtoICMPv4), wire.ICMPv4Unreachable, 4, 600, x.quoted()...)
	},
	func(x *fuzzed) []byte {
		return x.packet(between("192.0.2.9", "192.0.2.1", wire.ProtoUDP), 0, 7, 0, 7, 0, 12, 0, 0, 'a', 'b', 'c', 'd')
	},
	func(x *fuzzed) []byte {
		return x.packet(between("2001:db8::9", "2001:db8::1", wire.ProtoUDP), 0, 7, 0, 9, 0, 12, 0, 0, 'a', 'b', 'c', 'd')
	},
	func(x *fuzzed) []byte {
		h := between("192.0.2.9", "192.0.2.1", wire.ProtoUDP)
		h.Flags, h.ID = wire.MoreFragments, 5
		return x.packet(h, 0, 7, 0, 7, 0, 24, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	},
	func(x *fuzzed) []byte {
		h := between("192.0.2.9", "192.0.2.1", wire.ProtoUDP)
		h.Offset, h.ID = 16, 5
		return x.packet(h, 1, 2, 3, 4, 5, 6, 7, 8)
	},
	func(x *fuzzed) []byte { // a fragment of IPv6: UDP, the first, number 7
		h := between("2001:db8::9", "2001:db8::1", wire.ProtoUDP)
		h.Next, h.Extra = 44, []byte{byte(wire.ProtoUDP), 0, 0, 1, 0, 0, 0, 7}
		return x.packet(h, 0, 7, 0, 7, 0, 24, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	},
	func(x *fuzzed) []byte { // hop-by-hop options, then an echo
		h := between("2001:db8::9", "2001:db8::1", wire.ProtoICMPv6)
		h.Next, h.Extra = wire.ProtoHopByHop, []byte{byte(wire.ProtoICMPv6), 0, 5, 2, 0, 0, 1, 0}
		return x.icmp(h, wire.ICMPv6Echo, 0, 1)
	},
	func(x *fuzzed) []byte { // a query of IGMP for all groups
		h := between("192.0.2.9", "224.0.0.1", wire.ProtoIGMP)
		h.TTL = 1
		return x.packet(h, wire.IGMPQuery, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	},
	func(x *fuzzed) []byte { // and of MLD
		h := between("fe80::9", "ff02::1", wire.ProtoICMPv6)
		h.TTL, h.Next, h.Extra = 1, wire.ProtoHopByHop, []byte{byte(wire.ProtoICMPv6), 0, 5, 2, 0, 0, 1, 0}
		return x.packet(h, append([]byte{wire.ICMPv6MLDQuery, 0, 0, 0}, make([]byte, 24)...)...)
	},
	func(x *fuzzed) []byte {
		s := wire.Segment{Seq: 1, Flags: wire.SYN, Options: wire.Options{Has: wire.HasMSS | wire.HasScale, MSS: 1460, Scale: 7}}
		return x.segment(80, s)
	},
	func(x *fuzzed) []byte { return x.segment(82, wire.Segment{Seq: 1, Ack: 2, Flags: wire.ACK}) },
	func(x *fuzzed) []byte {
		return x.segment(81, wire.Segment{Seq: 101, Ack: x.iss + 1, Flags: wire.RST | wire.ACK})
	},
	func(x *fuzzed) []byte {
		return x.segment(81, wire.Segment{Seq: 101, Ack: x.iss + 1, Flags: wire.FIN | wire.ACK})
	},
	func(x *fuzzed) []byte {
		return x.segment(81, wire.Segment{Seq: 101, Ack: x.iss + 1, Flags: wire.ACK | wire.PSH}, make([]byte, 500)...)
	},
}
