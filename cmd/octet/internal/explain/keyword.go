package explain

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// keywords are the words that other words follow. It is filled by init, since what
// it holds looks words up in it.
var keywords map[string]func(r *reader, key string)

func init() {
	keywords = map[string]func(r *reader, key string){
		"inet":          takes((*reader).address),
		"inet6":         takes((*reader).address),
		"netmask":       takes((*reader).mask),
		"broadcast":     takes((*reader).broadcast),
		"brd":           (*reader).ipBroadcast,
		"-->":           takes((*reader).peer),
		"peer":          takes((*reader).peer),
		"destination":   takes((*reader).peer),
		"ether":         takes((*reader).mac),
		"HWaddr":        takes((*reader).mac),
		"lladdr":        takes((*reader).mac),
		"address:":      takes((*reader).mac),
		"link/ether":    takes((*reader).mac),
		"link/loopback": takes((*reader).mac),
		"link/none":     func(r *reader, key string) { r.note("word", key, "the link has no addresses of its own") },
		"prefixlen":     takes((*reader).prefixLen),
		"promiscuity":   counted(func(int64) string { return "how many programs asked for every packet on the link" }),
		"mtu":           counted(mtu),
		"metric":        counted(func(int64) string { return "what a route through it costs; 0 is the default" }),
		"txqueuelen":    counted(queue),
		"qlen":          counted(queue),
		"index":         counted(func(int64) string { return "its number in the system's list of interfaces" }),
		"collisions":    counted(func(int64) string { return "how often two senders on one wire spoke at once" }),
		"scopeid":       takes((*reader).scopeID),
		"scope":         chosen("scope", scopes),
		"state":         chosen("state", states),
		"status:":       (*reader).status,
		"qdisc":         chosen("queueing discipline", disciplines),
		"group":         free("the group of interfaces that it belongs to"),
		"groups:":       rest("the groups of interfaces that it belongs to"),
		"media:":        rest("the kind of link, and how it was chosen"),
		"encap":         (*reader).encap,
		"valid_lft":     takes((*reader).lifetime),
		"preferred_lft": takes((*reader).lifetime),
		"RX":            (*reader).counters,
		"TX":            (*reader).counters,
		"nd6":           (*reader).nd6,
		"Interrupt:":    free("the interrupt of the hardware"),
		"permaddr":      takes((*reader).mac),
		"description:":  rest("a note that somebody gave it"),
		"label":         free("the name of this address"),
		"proto":         free("who made the address"),
		"link-netnsid":  free("the number of the network namespace that holds the other end"),
		"master":        free("the interface that this one belongs to"),
		"parent":        free("the interface below"),
		"vhid":          free("its virtual host of CARP"),
	}
}

// takes is a keyword with one argument that f explains, or cannot.
func takes(f func(r *reader, key, arg string) bool) func(*reader, string) {
	return func(r *reader, key string) {
		arg := r.divide(r.next())
		if arg == "" {
			r.unknown(key, "nothing follows it")
		} else if !f(r, key, arg) {
			r.unknown(key+" "+arg, "%q is not what should follow %s", arg, key)
		}
	}
}

// counted is a keyword with a number whose meaning f gives.
func counted(f func(n int64) string) func(*reader, string) {
	return takes(func(r *reader, key, arg string) bool {
		n, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || n < 0 {
			return false
		}
		r.note("number", key+" "+arg, "%s", f(n))
		return true
	})
}

// chosen is a keyword with one of the words of a table.
func chosen(what string, table map[string]string) func(*reader, string) {
	return takes(func(r *reader, key, arg string) bool {
		m, ok := table[arg]
		if !ok {
			r.unknown(key+" "+arg, "a %s that octet does not know", what)
			return true
		}
		r.note("word", key+" "+arg, "%s", m)
		return true
	})
}

// free is a keyword with a word that can be anything.
func free(meaning string) func(*reader, string) {
	return takes(func(r *reader, key, arg string) bool {
		r.note("word", key+" "+arg, "%s", meaning)
		return true
	})
}

// rest is a keyword that takes all words that are left.
func rest(meaning string) func(*reader, string) {
	return func(r *reader, key string) {
		r.note("word", key+" "+r.rest(), "%s", meaning)
	}
}

func mtu(n int64) string {
	s := fmt.Sprintf("maximum transmission unit: an IP packet through it has at most %s octets, headers included", quantity.Group(n))
	switch {
	case n == 1500:
		s += " (what Ethernet carries, RFC 894)"
	case n < 1280:
		s += " (too few for IPv6, which needs 1,280, RFC 8200 §5)"
	}
	return s
}

func queue(n int64) string {
	return fmt.Sprintf("at most %s packets wait to be sent", quantity.Group(n))
}

// ipBroadcast is what follows brd in ip addr: an IP or a hardware address.
func (r *reader) ipBroadcast(key string) {
	arg := r.next()
	if !r.broadcast(key, arg) && !r.mac(key, arg) {
		r.unknown(key+" "+arg, "%q is no broadcast address", arg)
	}
}

func (r *reader) peer(key, arg string) bool {
	addr, _, _ := strings.Cut(arg, "/")
	before := r.addr
	if !r.address(key, addr) {
		return false
	}
	last := &r.notes[len(r.notes)-1]
	last.Meaning = "the other end of the link, " + last.Meaning
	r.addr = before
	return true
}

func (r *reader) prefixLen(key, arg string) bool {
	all := 128
	if r.addr.Is4() {
		all = 32
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > all {
		return false
	}
	r.note("mask", key+" "+arg, "%s", split(n, all))
	if p := netip.PrefixFrom(r.addr.WithZone(""), n); p.IsValid() {
		r.network(p)
	}
	return true
}

// split says how a prefix length divides an address of so many bits.
func split(n, all int) string {
	if n == all {
		return fmt.Sprintf("all %d bits name the network: it has one address", all)
	}
	return fmt.Sprintf("the first %d bits of an address name the network, the other %d the host", n, all-n)
}

// scopeID explains scopeid 0x4 (BSD: an interface) and 0x20<link> (Linux: a scope).
func (r *reader) scopeID(key, arg string) bool {
	number, name, linux := strings.Cut(strings.TrimSuffix(arg, ">"), "<")
	v, err := strconv.ParseUint(strings.TrimPrefix(number, "0x"), 16, 32)
	if err != nil {
		return false
	}
	m, known := scopes[name]
	switch {
	case linux && known:
		r.note("word", key+" "+arg, "%s", m)
	case linux:
		r.unknown(key+" "+arg, "a scope that octet does not know")
	default:
		r.note("number", key+" "+arg, "the address is valid on interface number %d only (RFC 4007)", v)
	}
	return true
}

var scopes = map[string]string{
	"global": "the address is valid everywhere", "Global": "the address is valid everywhere",
	"link": "the address is valid on this link only", "Link": "the address is valid on this link only",
	"host": "the address is valid inside this machine only", "Host": "the address is valid inside this machine only",
	"site":   "the address is valid inside one organisation (deprecated, RFC 3879)",
	"compat": "an IPv4 address in the old form of IPv6 (deprecated, RFC 4291 §2.5.5.1)",
}

var states = map[string]string{
	"UP":             "it can carry packets (RFC 2863: operational state)",
	"DOWN":           "it cannot carry packets (RFC 2863: operational state)",
	"UNKNOWN":        "its driver does not say whether it can carry packets; usual for loopback (RFC 2863)",
	"DORMANT":        "it waits for something outside, such as a login to the link (RFC 2863)",
	"TESTING":        "it is being tested (RFC 2863)",
	"LOWERLAYERDOWN": "the interface below cannot carry packets (RFC 2863)",
	"NOTPRESENT":     "a part of the hardware is missing (RFC 2863)",
}

var disciplines = map[string]string{
	"noqueue":    "packets are sent at once, none wait",
	"noop":       "packets are dropped: the interface is switched off",
	"pfifo_fast": "packets wait in three queues by their priority, first in, first out",
	"mq":         "each queue of the hardware has its own queueing discipline",
	"fq":         "each connection has a queue, and its packets leave evenly spaced",
	"fq_codel":   "each flow has a queue, and packets that wait too long are dropped (RFC 8290)",
	"cake":       "each flow and host gets its share of a limited rate (CAKE)",
	"htb":        "classes of packets have rates that they are guaranteed and may borrow",
}

func (r *reader) status(key string) {
	value := r.rest()
	m, ok := map[string]string{
		"active":     "the link is connected",
		"inactive":   "the link is not connected or the interface is switched off",
		"no carrier": "the interface hears nothing on the link: no cable, or nobody at its other end",
		"associated": "the radio has joined a wireless network",
	}[value]
	if !ok {
		r.unknown(key+" "+value, "a status that octet does not know")
		return
	}
	r.note("word", key+" "+value, "%s", m)
}

// encap explains Link encap:Local Loopback, up to the address that may follow.
func (r *reader) encap(key string) {
	var kind []string
	for r.at < len(r.words) && r.peek() != "HWaddr" {
		kind = append(kind, r.next())
	}
	r.note("word", key+" "+strings.Join(kind, " "), "the kind of link (encapsulation)")
}

func (r *reader) lifetime(key, arg string) bool {
	what := "the address stays valid"
	if key == "preferred_lft" {
		what = "new connections prefer it"
	}
	if arg == "forever" {
		r.note("number", key+" "+arg, "%s without end (RFC 4862 §5.5.4)", what)
		return true
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(arg, "sec"), 10, 64)
	if err != nil || n < 0 {
		return false
	}
	r.note("number", key+" "+arg, "%s for %s seconds more (RFC 4862 §5.5.4)", what, quantity.Group(n))
	return true
}

// nd6 explains nd6 options=201<PERFORMNUD,DAD>.
func (r *reader) nd6(key string) {
	if w := key + " " + r.next(); !r.equation(w) {
		r.unknown(strings.TrimSpace(w), "octet expects options=… after nd6")
	}
}

// counts are the words of a line of counters, which numbers follow.
var counts = map[string]string{
	"packets": "packets", "bytes": "octets", "errors": "packets with errors", "dropped": "packets dropped, for lack of room for example",
	"overruns": "packets lost because the hardware's queue was full", "frame": "frames of a bad length or alignment",
	"carrier": "failures of the link while sending", "collisions": "times that two senders on one wire spoke at once",
}

// counters explains RX packets 29  bytes 3193 (3.1 KiB) and the like.
func (r *reader) counters(key string) {
	direction := map[string]string{"RX": "received", "TX": "sent"}[key]
	r.note("counter", key, "what the interface has %s since it was made", direction)
	r.under(func() {
		for r.at < len(r.words) && r.peek() != "RX" && r.peek() != "TX" {
			w := r.divide(r.next())
			what, known := counts[w]
			n, err := strconv.ParseUint(r.peek(), 10, 64)
			if !known || err != nil {
				if !strings.HasPrefix(w, "(") {
					r.unknown(w, "a counter that octet does not know")
				}
				continue
			}
			r.note("counter", w+" "+r.next(), "%s %s", quantity.Group(n), what)
		}
	})
}

// plain are the words that stand for themselves.
var plain = map[string]string{
	"secured":                   "made with cryptography, so that nobody can claim it (RFC 3972)",
	"autoconf":                  "made by the machine itself from what a router advertised (RFC 4862)",
	"temporary":                 "changed from time to time, so that nobody can follow the machine (RFC 8981)",
	"dynamic":                   "its lifetime ends unless it is renewed",
	"permanent":                 "its lifetime does not end",
	"deprecated":                "still valid, but no new connection uses it (RFC 4862 §5.5.4)",
	"tentative":                 "not used yet: whether another machine has it too is being checked (RFC 4862 §5.4)",
	"duplicated":                "another machine has it too, so it is not used (RFC 4862 §5.4)",
	"dadfailed":                 "another machine has it too, so it is not used (RFC 4862 §5.4)",
	"optimistic":                "used although the check for duplicates has not ended (RFC 4429)",
	"nodad":                     "whether another machine has it too is not checked",
	"anycast":                   "several machines share it; packets reach the nearest (RFC 4291 §2.6)",
	"secondary":                 "another address of the same network comes before it",
	"noprefixroute":             "it makes no route to its network",
	"mngtmpaddr":                "temporary addresses are made from it (RFC 8981)",
	"stable-privacy":            "different on each network, but always the same on one (RFC 7217)",
	"detached":                  "its router has fallen silent",
	"NO-CARRIER":                "the layer below has no connection: no cable, or nobody at its other end",
	"loop":                      "the kind of link: loopback",
	"(Point-to-Point Protocol)": "the kind of link: with one other end",
	"unspec":                    "the kind of link is not one that ifconfig knows",
	"(Ethernet)":                "the kind of link: Ethernet (IEEE 802.3)",
	"(Local Loopback)":          "the kind of link: loopback",
	"(UNSPEC)":                  "the kind of link is not one that ifconfig knows",
	"Link":                      "what is known of the link layer",
	"forever":                   "without end",
}

// heading explains the beginning of a line that starts an interface: lo0:, 2: eth0:,
// or eth0 before Link encap.
func (r *reader) heading() {
	w := r.peek()
	name, isName := strings.CutSuffix(w, ":")
	switch {
	case !isName && len(r.words) > 1 && r.words[1] == "Link":
		r.next()
		r.next()
		name = w
	case !isName || name == "" || keywords[w] != nil || equations[name] != nil:
		return
	case strings.Trim(name, "0123456789") == "" && len(r.words) > 1:
		r.next()
		r.note("number", w, "its number in the system's list of interfaces")
		w = r.next()
		name = strings.TrimSuffix(w, ":")
	default:
		r.next()
	}
	base, parent, linked := strings.Cut(name, "@")
	if base == "" {
		r.unknown(w, "an interface without a name")
		return
	}
	r.iface = base
	r.note("interface", name, "a network interface: %s", interfaceKind(base))
	if linked {
		r.under(func() { r.note("interface", "@"+parent, "the interface below it, or the number of its other end") })
	}
}

// interfaceKind says what the name of an interface suggests.
func interfaceKind(name string) string {
	letters := strings.TrimRight(name, "0123456789")
	for _, k := range kinds {
		if letters == k.name || k.prefix && strings.HasPrefix(name, k.name) {
			if digits := name[len(letters):]; digits != "" && letters == k.name {
				return k.what + ", number " + digits
			}
			return k.what
		}
	}
	return "its name tells octet nothing of its kind"
}

// kinds are names that systems give to interfaces. With prefix set, what comes
// after the letters says where the hardware is.
var kinds = []struct {
	name   string
	prefix bool
	what   string
}{
	{"lo", false, "the loopback, through which the machine talks to itself"},
	{"eth", false, "Ethernet, or what looks like it"},
	{"en", true, "Ethernet or, on macOS, Wi-Fi too"},
	{"wl", true, "wireless (IEEE 802.11)"},
	{"ww", true, "a mobile network"},
	{"utun", false, "a tunnel that a program holds the other end of (IP packets)"},
	{"tun", false, "a tunnel that a program holds the other end of (IP packets)"},
	{"tap", false, "a tunnel that a program holds the other end of (Ethernet frames)"},
	{"wg", false, "a WireGuard tunnel"},
	{"ppp", false, "a link to one other machine (PPP, RFC 1661)"},
	{"gif", false, "a tunnel of IP packets in IP packets"},
	{"sit", false, "a tunnel of IPv6 in IPv4 (RFC 4213)"},
	{"stf", false, "6to4: IPv6 in IPv4 packets (RFC 3056)"},
	{"gre", false, "a tunnel (GRE, RFC 2784)"},
	{"bridge", false, "a bridge, which joins links to one"},
	{"br", true, "a bridge, which joins links to one"},
	{"docker", false, "a bridge that Docker made for its containers"},
	{"veth", true, "one end of a virtual cable between network namespaces"},
	{"bond", false, "several links used as one"},
	{"lagg", false, "several links used as one"},
	{"vlan", true, "one virtual LAN of another interface (IEEE 802.1Q)"},
	{"dummy", false, "an interface that drops what it gets"},
	{"ifb", false, "a detour for packets that are to be queued (Linux)"},
	{"awdl", false, "Apple's direct wireless link, which AirDrop uses"},
	{"llw", false, "Apple's wireless link of low latency"},
	{"ap", false, "a wireless access point of this machine"},
	{"anpi", false, "Apple's internal Ethernet"},
	{"vmnet", false, "a network of virtual machines"},
	{"vmenet", false, "a network of virtual machines"},
	{"pflog", false, "what the packet filter logs"},
	{"vtnet", false, "Ethernet of a virtual machine (virtio)"},
	{"XHC", false, "a capture of USB"},
}
