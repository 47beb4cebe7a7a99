package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Other commands use the stack that octet up holds, and see what is on it.
func TestVerbsOnADevice(t *testing.T) {
	namespace(t)
	const on = "--on=tap:octet7"
	u := start(t, upReady, "up", on, "--serve")
	server := start(t, "listening at tcp://", "serve", "tcp://:5555", "--reply", "from the stack", "-v", on)
	if got := stdout(t, 0, "send", "tcp://198.18.0.2:5555", "Hello"); got != "from the stack" {
		t.Errorf("a server on the stack says %q", got)
	}
	kernels := start(t, "listening at udp://", "serve", "udp://:5555", "--reply", "from the kernel", "-v")
	if got := stdout(t, 0, "send", "udp://198.18.0.1:5555", "Hello", on); got != "from the kernel" {
		t.Errorf("a client on the stack hears %q", got)
	}
	kernels.wait("('198.18.0.2', ")
	octet(t, 5, "send", "tcp://198.18.0.1:9", "Hello", on)
	octet(t, 7, "send", "tcp://nobody:9", "Hello", on)
	for _, c := range []struct{ verb, want string }{
		{"if", "inet 198.18.0.2 netmask 0xffffff00"},
		{"route", "default via 198.18.0.1 dev octet7"},
		{"neigh", "198.18.0.1 dev octet7 lladdr "},
		{"conns", "tcp   LISTEN            0   4096 [::]:5555                    *\n"},
		{"stats", "octet7     rx_packets "},
	} {
		if got := octet(t, 0, c.verb, on); !strings.Contains(got, c.want) {
			t.Errorf("octet %s %s says %q, want %q", c.verb, on, got, c.want)
		}
		if err := validate(c.verb, octet(t, 0, c.verb, on, "--json")); err != nil {
			t.Errorf("octet %s --json: %v", c.verb, err)
		}
		if err := validate(c.verb, octet(t, 0, c.verb, "--json")); err != nil { // of the kernel
			t.Errorf("octet %s --json: %v", c.verb, err)
		}
	}
	if got := octet(t, 0, "neigh"); !strings.Contains(got, "198.18.0.2 dev octet7 lladdr ") {
		t.Errorf("the kernel's neighbours are %q", got)
	}
	if got := octet(t, 0, "conns"); !strings.Contains(got, "udp   UNCONN            0      0 [::]:5555  ") {
		t.Errorf("the kernel's sockets are %q", got)
	}
	pings(t, on)
	perfs(t, on)
	u.end(unix.SIGINT, 130)
	server.end(0, 5) // its network has gone
	if said := server.err.String(); !strings.Contains(said, "octet up that holds the network has ended") {
		t.Errorf("a server whose network has gone says %q", said)
	}
	if got := octet(t, 0, "if", "octet7", on); !strings.Contains(got, "inet 198.18.0.2 ") { // on a stack of its own
		t.Errorf("without octet up the interface is %q", got)
	}
}

// pings pings in both directions, with either version of IP.
func pings(t *testing.T, on string) {
	t.Helper()
	for _, args := range []string{
		"198.18.0.2", "fd6f:6374:6574::2", "198.18.0.2 -s 65507", "198.18.0.1 " + on, "fd6f:6374:6574::1 -s 5000 " + on, "localhost " + on,
	} {
		args := append([]string{"ping", "-c", "2", "-i", "1ms"}, strings.Fields(args)...)
		if got := octet(t, 0, args...); !strings.Contains(got, "2 packets transmitted, 2 received, 0% packet loss, ") || strings.Count(got, " ttl=64 ") != 2 {
			t.Errorf("octet %v says %q", args, got)
		}
	}
	for _, args := range []string{"198.18.0.2 -s 3000 --whole", "198.18.0.1 -s 3000 --whole " + on} {
		args := append([]string{"ping", "-c", "1"}, strings.Fields(args)...)
		if got, want := octet(t, 1, args...), "from this host: seq=1 packet too big (MTU 1500)"; !strings.Contains(got, want) {
			t.Errorf("octet %v says %q, want %q", args, got, want)
		}
	}
	if got, want := octet(t, 1, "ping", "-c1", "192.0.2.1"), "from this host: seq=1 network is unreachable"; !strings.Contains(got, want) {
		t.Errorf("without a route octet ping says %q, want %q", got, want)
	}
	for code, args := range map[int]string{0: "198.18.0.1 " + on, 1: "192.0.2.1"} {
		if err := validate("ping", stdout(t, code, append([]string{"ping", "-c1", "--json"}, strings.Fields(args)...)...)); err != nil {
			t.Error(err)
		}
	}
}

// perfs measures between the kernel and the stack, which serves, and the other way.
func perfs(t *testing.T, on string) {
	t.Helper()
	kernels := start(t, "listening at tcp://", "perf", "--server", "-v", "--port", "7202")
	for _, to := range []string{"198.18.0.2", "fd6f:6374:6574::2", "--port 7202 198.18.0.1 " + on} {
		for _, args := range []string{"", "-R -P 2", "-w requests", "-w connects", "-u", "-u -R", "-w requests -u"} {
			args := append([]string{"perf", "-t", "50ms", "--json"}, strings.Fields(args+" "+to)...)
			out := stdout(t, 0, args...)
			if err := validate("perf", out); err != nil {
				t.Errorf("octet %v: %v", args, err)
			}
			if !regexp.MustCompile(`"received_octets":[1-9]`).MatchString(out) {
				t.Errorf("octet %v measures nothing: %s", args, out)
			}
		}
	}
	if got := octet(t, 0, "perf", "198.18.0.2", "-n", "3MB", "-P", "3"); !strings.Contains(got, "       3 MB ") {
		t.Errorf("of 3 MB octet perf says %q", got)
	}
	octet(t, 5, "perf", "198.18.0.2", "--port", "9")
	kernels.end(unix.SIGINT, 130)
}

// Packets are shown as they pass, by the stack and by the kernel, and written for
// other programs.
func TestCapture(t *testing.T) {
	namespace(t)
	const on = "--on=tun:octet7"
	u := start(t, upReady, "up", on)
	file := filepath.Join(t.TempDir(), "live.pcapng")
	watching := []*beside{
		start(t, "watching", "capture", on, "--count", "2"), start(t, "watching", "capture", "octet7", "--count", "2"),
		start(t, "watching", "capture", on, "octet7", "--count", "2", "--json"), start(t, "watching", "capture", on, "--write", file),
	}
	octet(t, 0, "ping", "-c", "1", "198.18.0.2")
	for k, ways := range [][2]string{{"in", "out"}, {"out", "in"}} {
		watching[k].end(0, 0)
		want := fmt.Sprintf(`(?m)^#\d \S+ octet7 %s: 198.18.0.1 → 198.18.0.2 \[IP 20 \[ICMP 8 \[data 56\]\]\] = 84 octets, echo request .*\n#\d \S+ octet7 %s: .* echo reply`, ways[0], ways[1])
		if !regexp.MustCompile(want).MatchString(watching[k].out.String()) {
			t.Errorf("%v shows\n%s", watching[k].cmd.Args, &watching[k].out)
		}
	}
	watching[2].end(0, 0)
	if err := validate("capture", watching[2].out.String()); err != nil {
		t.Error(err)
	}
	watching[3].end(unix.SIGINT, 130)
	if said := octet(t, 0, "explain", file); !strings.Contains(said, "echo request") || !strings.Contains(said, "echo reply") {
		t.Errorf("the file holds\n%s", said)
	}
	if said := octet(t, 7, "capture", on, "octet8"); !strings.Contains(said, `this stack shows what passes octet7, and "octet8" is another`) {
		t.Errorf("of another interface octet capture says %q", said)
	}
	if said := octet(t, 7, "capture", "octet8"); !strings.Contains(said, `there is no interface "octet8"`) {
		t.Errorf("of no interface octet capture says %q", said)
	}
	last := start(t, "watching", "capture", on)
	u.end(unix.SIGINT, 130)
	last.end(0, 5)
}

// A name server of the kernel is asked from the stack.
func TestDNSOnADevice(t *testing.T) {
	namespace(t)
	const on = "--on=tun:octet7"
	start(t, upReady, "up", on, "--dns", "198.18.0.1")
	pc, err := net.ListenPacket("udp", "198.18.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			q := b[:n-11] // without the OPT record
			q[2], q[7], q[11] = 0x84, 1, 0
			pc.WriteTo(append(q, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x07"...), from)
		}
	}()
	args := []string{"dns", "www.example.com", "--type", "A", on}
	if got, want := stdout(t, 0, args...), "www.example.com.\t300\tIN\tA\t192.0.2.7\n"; got != want {
		t.Errorf("octet dns says %q, want %q", got, want)
	}
	if err := validate("dns", stdout(t, 0, append(args, "--json")...)); err != nil {
		t.Error(err)
	}
}

// The way from a stack of ours leads through the kernel, which routes, to a host
// behind a narrow link; the way back and the kernel's own are found too.
func TestPath(t *testing.T) {
	namespace(t)
	far := exec.Command("unshare", "-n", "sleep", "60")
	if err := far.Start(); err != nil {
		skipUnless(t, false, fmt.Sprint("there is no unshare(1) here: ", err))
	}
	defer far.Wait()
	defer far.Process.Kill()
	const on = "--on=tun:octet7"
	u := start(t, upReady, "up", on)
	pid := strconv.Itoa(far.Process.Pid)
	for try := 0; netOf(t, pid) == netOf(t, "thread-self"); try++ {
		if try == 500 {
			t.Fatal("unshare makes no namespace")
		}
		time.Sleep(10 * time.Millisecond)
	}
	inside := func(args string) {
		t.Helper()
		if out, err := exec.Command("nsenter", append([]string{"-t", pid, "-n"}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args, err, out)
		}
	}
	ip(t, "link add near type veth peer name far netns "+pid)
	ip(t, "addr add 10.77.0.1/24 dev near")
	ip(t, "link set near mtu 1300 up")
	inside("ip addr add 10.77.0.2/24 dev far")
	inside("ip link set far mtu 1300 up")
	inside("ip route add default via 10.77.0.1")
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"10.77.0.2 " + on: `^path to 10.77.0.2, 30 hops at most
 1  this host: MTU 1,500
 1  198.18.0.1(  \d+\.\d{3} ms){2}
 2  198.18.0.1: MTU 1,300
 2  10.77.0.2(  \d+\.\d{3} ms){2}
2 hops, path MTU 1,300
$`,
		"198.18.0.2":              ` 1  198.18.0.2(  \d+\.\d{3} ms){2}\n1 hop, path MTU 1,500\n$`,
		"fd6f:6374:6574::1 " + on: ` 1  fd6f:6374:6574::1(  \d+\.\d{3} ms){2}\n1 hop, path MTU 1,500\n$`,
	} {
		args := append([]string{"path", "--probes", "2", "-W", "5s"}, strings.Fields(args)...)
		if got := octet(t, 0, args...); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("octet %v says\n%s, want\n%s", args, got, want)
		}
		if err := validate("path", stdout(t, 0, append(args, "--json")...)); err != nil {
			t.Error(err)
		}
	}
	if got, want := octet(t, 6, "path", "192.0.2.1"), "192.0.2.1 is not reached: network is unreachable"; !strings.Contains(got, want) {
		t.Errorf("without a route octet path says %q, want %q", got, want)
	}
	u.end(unix.SIGINT, 130)
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_RAW, 0, 0, 0); err != nil { // by datagrams, then
		t.Fatal(err)
	}
	if got := octet(t, 0, "path", "10.77.0.2"); !strings.Contains(got, "1 hop, path MTU 1,300") {
		t.Errorf("without privilege octet path says %q", got)
	}
}
