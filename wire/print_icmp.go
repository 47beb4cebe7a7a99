package wire

import (
	"net/netip"
	"strconv"
)

// icmp prints a message of ICMPv4 or ICMPv6.
func (p *printer) icmp(proto Proto, o Octets) Fault {
	var m ICMP
	if f := ParseICMP(&o, &m); f != OK {
		return f
	}
	p.layer(proto.String(), ICMPLen)
	p.say(icmpName(proto, m.Type, m.Code))
	p.sayRest(proto, &m)
	var q Quote
	f := BadType
	if proto == ProtoICMPv4 {
		f = ParseQuote4(&m, &q)
	} else {
		f = ParseQuote6(&m, &q)
	}
	if f != OK {
		p.data("data", m.Body.Len())
		return OK
	}
	p.sayQuote(&q)
	p.inner(func() { p.quote(&q, m.Body.Len()) }, Octets{Data: m.Body})
	return OK
}

// sayRest tells what the word after the checksum and the target say.
func (p *printer) sayRest(proto Proto, m *ICMP) {
	if !p.outermost() {
		return
	}
	switch {
	case isEcho(proto, m.Type):
		p.sayNumber("id", int(m.EchoID()))
		p.sayNumber("seq", int(m.EchoSeq()))
	case proto == ProtoICMPv4 && m.Type == ICMPv4Unreachable && m.Code == ICMPv4FragmentationNeeded:
		p.sayNumber("mtu", m.MTU4())
	case proto == ProtoICMPv6 && m.Type == ICMPv6PacketTooBig:
		p.sayNumber("mtu", int(m.Rest))
	case proto == ProtoICMPv4 && m.Type == ICMPv4ParamProblem:
		p.sayNumber("at", m.Pointer4())
	case proto == ProtoICMPv6 && m.Type == ICMPv6ParamProblem:
		p.sayNumber("at", int(m.Rest))
	case proto == ProtoICMPv6 && (m.Type == ICMPv6NeighborSolicit || m.Type == ICMPv6NeighborAdvert):
		if len(m.Body.B) >= 16 {
			p.say(netip.AddrFrom16([16]byte(m.Body.B)).String())
		}
	}
}

func isEcho(proto Proto, kind uint8) bool {
	if proto == ProtoICMPv4 {
		return kind == ICMPv4Echo || kind == ICMPv4EchoReply
	}
	return kind == ICMPv6Echo || kind == ICMPv6EchoReply
}

// sayQuote tells about which packet an error is.
func (p *printer) sayQuote(q *Quote) {
	if !p.outermost() {
		return
	}
	p.say("about", q.IP.Proto.String())
	switch q.IP.Proto {
	case ProtoTCP, ProtoUDP:
		p.say(netip.AddrPortFrom(q.IP.Src, q.SrcPort).String(), "→", netip.AddrPortFrom(q.IP.Dst, q.DstPort).String())
	default:
		p.say(q.IP.Src.String(), "→", q.IP.Dst.String())
	}
	if q.IP.Proto == ProtoTCP && p.form&Long != 0 {
		p.say("seq", strconv.FormatUint(uint64(q.Seq), 10))
	}
}

// quote prints the packet that an ICMP error of n octets after its header quotes.
func (p *printer) quote(q *Quote, n int) {
	open := p.open
	p.headers(&q.IP)
	p.partial(q.IP.Proto, Plain(q.Transport))
	if more := n - int(q.IP.HeaderLen) - len(q.Transport); more > 0 {
		p.close(p.open - open)
		p.layer("extension", more)
	}
}

// icmpName says in words what a message is.
func icmpName(proto Proto, kind, code uint8) string {
	if proto == ProtoICMPv4 {
		return icmpName4(kind, code)
	}
	return icmpName6(kind, code)
}

func icmpName4(kind, code uint8) string {
	switch kind {
	case ICMPv4EchoReply:
		return "echo reply"
	case ICMPv4Unreachable:
		return named(unreachable4[:], code, "unreachable")
	case ICMPv4SourceQuench:
		return "source quench"
	case ICMPv4Redirect:
		return "redirect"
	case ICMPv4Echo:
		return "echo request"
	case ICMPv4TimeExceeded:
		return named(timeExceeded[:], code, "time exceeded")
	case ICMPv4ParamProblem:
		return "parameter problem"
	case ICMPv4Timestamp:
		return "timestamp request"
	case ICMPv4TimestampReply:
		return "timestamp reply"
	}
	return numbered(kind, code)
}

func icmpName6(kind, code uint8) string {
	switch kind {
	case ICMPv6Unreachable:
		return named(unreachable6[:], code, "unreachable")
	case ICMPv6PacketTooBig:
		return "packet too big"
	case ICMPv6TimeExceeded:
		return named(timeExceeded[:], code, "time exceeded")
	case ICMPv6ParamProblem:
		return named(problems6[:], code, "parameter problem")
	case ICMPv6Echo:
		return "echo request"
	case ICMPv6EchoReply:
		return "echo reply"
	case ICMPv6MLDQuery:
		return "multicast listener query"
	case ICMPv6MLDv1Report, ICMPv6MLDv2Report:
		return "multicast listener report"
	case ICMPv6MLDv1Done:
		return "multicast listener done"
	case ICMPv6RouterSolicit:
		return "router solicitation"
	case ICMPv6RouterAdvert:
		return "router advertisement"
	case ICMPv6NeighborSolicit:
		return "neighbor solicitation"
	case ICMPv6NeighborAdvert:
		return "neighbor advertisement"
	case ICMPv6Redirect:
		return "redirect"
	}
	return numbered(kind, code)
}

// What the codes of the messages mean, where they mean something to a host.
var (
	unreachable4 = [...]string{
		"net unreachable", "host unreachable", "protocol unreachable", "port unreachable",
		"fragmentation needed", "source route failed", "net unknown", "host unknown", "",
		"net prohibited", "host prohibited", "", "", "administratively prohibited",
	}
	unreachable6 = [...]string{
		"no route", "administratively prohibited", "beyond scope", "address unreachable",
		"port unreachable", "source address policy", "route rejected",
	}
	timeExceeded = [...]string{"time to live exceeded", "reassembly time exceeded"}
	problems6    = [...]string{"bad header field", "unknown next header", "unknown option", "incomplete header chain"}
)

// named returns the name of a code, or the name of its type with the number.
func named(names []string, code uint8, kind string) string {
	if int(code) < len(names) && names[code] != "" {
		return names[code]
	}
	return kind + " code " + strconv.Itoa(int(code))
}

func numbered(kind, code uint8) string {
	return "type " + strconv.Itoa(int(kind)) + " code " + strconv.Itoa(int(code))
}

func igmpName(kind uint8) string {
	switch kind {
	case IGMPQuery:
		return "membership query"
	case IGMPv1Report, IGMPv2Report, IGMPv3Report:
		return "membership report"
	case IGMPv2Leave:
		return "leave group"
	}
	return "type " + strconv.Itoa(int(kind))
}
