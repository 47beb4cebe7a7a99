package interop

import (
	"flag"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/ip"
)

// attackFor is how long each attack goes on:
//
//	go test ./interop -run Attacks -attack 1m -timeout 45m
var attackFor = flag.Duration("attack", time.Second, "how long each attack goes on")

// attacks are the programs that attack; DEV, V4 and V6 stand for the device and our addresses.
var attacks = []string{
	"hping3 -q --flood --rand-source -S -p 80 V4",
	"hping3 -q --flood --rand-source -A -p 80 V4",
	"hping3 -q --flood -R -p 80 V4",
	"hping3 -q --flood -F -P -U -p 80 -d 200 V4",
	"hping3 -q --flood -S -a V4 -s 80 -k -p 80 V4",
	"hping3 -q --flood --rand-source -x -d 1000 -p 80 V4",
	"hping3 -q --flood --rand-source --udp -p 7 -d 100 V4",
	"hping3 -q --flood --rand-source --udp -p 9 V4",
	"hping3 -q --flood --icmp -d 1000 V4",
	"atk6-flood_router26 DEV",
	"atk6-flood_router26 -F DEV",
	"atk6-flood_advertise6 DEV",
	"atk6-flood_solicitate6 DEV V6",
	"atk6-flood_mld6 DEV",
	"atk6-flood_rs6 -S DEV",
	"atk6-flood_redir6 DEV V6",
	"atk6-flood_unreach6 -R DEV V6",
	"atk6-smurf6 DEV V6",
	"atk6-thcsyn6 -R DEV V6 80",
	"atk6-dos-new-ip6 DEV",
	"atk6-fragmentation6 -f DEV V6",
	"atk6-denial6 DEV V6 1",
	"atk6-denial6 DEV V6 3",
	"atk6-denial6 DEV V6 6",
	"atk6-exploit6 DEV V6",
	"atk6-fuzz_ip6 -IFSDHRJ -1 DEV V6",
	"atk6-fuzz_ip6 -IFSDHRJ -4 DEV V6",
	"atk6-fuzz_ip6 -s 80 DEV V6",
}

// The attackers of Debian do their worst. The host does not panic, keeps within its
// caps, and a bystander's connection keeps moving.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second for each attack")
	}
	need(t, "hping3", "atk6-flood_router26")
	l := newLab(t, labPlan{tap: true})
	if err := l.host.Autoconfigure(l.index, ip.Autoconf{}); err != nil {
		t.Fatal(err)
	}
	ln := l.listen(":80", echo)
	u, err := l.host.ListenPacket("udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	go echoPackets(u)
	var conns []net.Conn
	for _, v := range l.versions() {
		c, err := net.Dial("tcp", net.JoinHostPort(v.ours, fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	before := heap()
	for _, a := range attacks {
		words := strings.Fields(strings.NewReplacer("DEV", l.dev, "V4", ours4, "V6", ours6).Replace(a))
		was, _ := l.host.LinkStats(l.index)
		stop := l.start(words[0], words[1:]...)
		if strings.Contains(a, "flood") { // which takes its time to begin
			l.await(func() error {
				if is, _ := l.host.LinkStats(l.index); is.Received < was.Received+100 {
					return fmt.Errorf("%s: no flood of %d packets", a, is.Received-was.Received)
				}
				return nil
			})
		}
		rounds := l.bystand(a, conns)
		stop()
		is, _ := l.host.LinkStats(l.index)
		if now := heap(); now > before+128<<20 {
			t.Errorf("%s: the heap grew from %d to %d MiB", a, before>>20, now>>20)
		}
		l.withinCaps(a)
		t.Logf("%-60s %7d packets, %6d rounds", a, is.Received-was.Received, rounds)
	}
	if s := l.host.Stats(); s.Connections > 10_000 {
		t.Errorf("%d connections are left", s.Connections)
	}
	for _, v := range l.versions() { // and everything works afterwards
		l.streams(v, 100_000)
	}
}

// heap returns how many octets are in use when all garbage is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// bystand goes on with conversations for the time of an attack, and at least until
// each has moved.
func (l *lab) bystand(attack string, conns []net.Conn) (rounds int) {
	l.Helper()
	end := time.Now().Add(*attackFor)
	p := octets(1, 1000)
	for k := 0; time.Now().Before(end) || k < 2*len(conns); k++ {
		c := conns[k%len(conns)]
		if err := exchange(c, p); err != nil {
			l.Fatalf("%s: the bystander's connection came to a halt: %v", attack, err)
		}
		rounds++
	}
	return rounds
}

// withinCaps checks that the tables an attacker fills have their bounds.
func (l *lab) withinCaps(attack string) {
	l.Helper()
	profile := octet.Linux()
	s := l.host.Stats()
	for _, c := range []struct {
		what      string
		have, cap int
	}{
		{"half-open connections", s.HalfOpen, profile.HalfOpen},
		{"TIME-WAIT records", s.TimeWaits, profile.TimeWaits},
		{"neighbours", len(l.host.Neighbours()), 512 + 1024 + 4096 + 16}, // asked, told, confirmed
		{"addresses", len(l.host.Addresses(l.index)), 3 + 16*(1+4)},      // each prefix has a stable and some temporary ones
		{"routes", len(l.host.Routes()), 10 + 16 + 16 + 64},              // prefixes, routers, redirects
		{"groups", len(l.host.Groups(l.index)), 10 + 16*(1+4)},
	} {
		if c.have > c.cap {
			l.Errorf("%s: %d %s, more than %d", attack, c.have, c.what, c.cap)
		}
	}
}
