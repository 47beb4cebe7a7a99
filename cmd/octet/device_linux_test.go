package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespace runs the rest of the test, and the processes that it starts, on a
// thread in a network namespace of its own, which ends with them.
func namespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread dies with the test's goroutine
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		_, err = os.Stat("/dev/net/tun")
	}
	skipUnless(t, err == nil, fmt.Sprint("no network namespace or no /dev/net/tun: ", err))
	_, err = exec.LookPath("ip")
	skipUnless(t, err == nil, "there is no ip(8) here")
	ip(t, "link set lo up")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
}

// ip runs the program of this name.
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

// A beside is an octet that runs beside the test.
type beside struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err output
}

// start starts octet and waits until it has said what is told by ready, on either stream.
func start(t *testing.T, ready string, args ...string) *beside {
	t.Helper()
	b := &beside{t: t, cmd: exec.Command("octet", args...)}
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.err
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.cmd.ProcessState == nil {
			b.cmd.Process.Kill()
			b.cmd.Wait()
		}
	})
	b.wait(ready)
	return b
}

// wait waits until octet has said something.
func (b *beside) wait(what string) {
	b.t.Helper()
	again, late := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer again.Stop()
	for !strings.Contains(b.out.String()+b.err.String(), what) {
		select {
		case <-again.C:
		case <-late:
			b.t.Fatalf("octet %v does not say %q: %s%s", b.cmd.Args[1:], what, &b.out, &b.err)
		}
	}
}

// end waits for the end, after a signal unless it is zero, and checks the exit code.
func (b *beside) end(s syscall.Signal, code int) {
	b.t.Helper()
	if s != 0 {
		if err := b.cmd.Process.Signal(s); err != nil {
			b.t.Fatal(err)
		}
	}
	stop := time.AfterFunc(patience, func() { b.cmd.Process.Kill() })
	defer stop.Stop()
	b.cmd.Wait() // its code is checked below
	if got := b.cmd.ProcessState.ExitCode(); got != code {
		b.t.Fatalf("octet %v exited with %d, want %d: %s%s", b.cmd.Args[1:], got, code, &b.out, &b.err)
	}
}

// octet runs the command to its end, checks the exit code and returns all it says.
func octet(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, diag := run(t, code, args...)
	return out + diag
}

// stdout is octet that returns the results alone.
func stdout(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, _ := run(t, code, args...)
	return out
}

func run(t *testing.T, code int, args ...string) (string, string) {
	t.Helper()
	var out, diag bytes.Buffer
	cmd := exec.Command("octet", args...)
	cmd.Stdout, cmd.Stderr = &out, &diag
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("octet %v exited with %d, want %d: %s%s", args, got, code, &out, &diag)
	}
	return out.String(), diag.String()
}

const upReady = "Ctrl-C ends it"

// The kernel's own programs reach a stack on a device that was just made.
func TestUp(t *testing.T) {
	for _, kind := range []string{"tun", "tap"} {
		t.Run(kind, func(t *testing.T) {
			namespace(t)
			far := summer(t)
			capture := filepath.Join(t.TempDir(), "up.pcapng")
			u := start(t, upReady, "up", "--on", kind+":octet7", "--serve", "--forward", "8080="+far, "--forward", "8081=127.0.0.1:1", "--capture", capture)
			for _, host := range []string{"198.18.0.2", "fd6f:6374:6574::2"} {
				visit(t, host)
			}
			u.end(unix.SIGINT, 130)
			if _, err := net.InterfaceByName("octet7"); err == nil {
				t.Error("the interface is still there")
			}
			for _, says := range []string{"octet7 is up: " + strings.ToUpper(kind), "198.18.0.1/24", "connection refused", "forwarded 4 connections, 2 failed, 600,000 octets in, 64 out"} {
				if !strings.Contains(u.out.String()+u.err.String(), says) {
					t.Errorf("octet up does not say %q: %s%s", says, &u.out, &u.err)
				}
			}
			if said := octet(t, 0, "explain", capture); !strings.Contains(said, "octet7 in: 198.18.0.1:") {
				t.Errorf("the capture holds\n%s", said)
			}
		})
	}
}

// visit tries each service of a stack.
func visit(t *testing.T, host string) {
	t.Helper()
	if got := get(t, host, "/octets/3MB"); len(got) != 3e6 || strings.Trim(got, "\x00") != "" {
		t.Errorf("%s: 3MB came as %d octets", host, len(got))
	}
	if got := get(t, host, "/octets/much"); !strings.Contains(got, "size") {
		t.Errorf("%s: a size that is none is answered by %q", host, got)
	}
	if got := get(t, host, "/"); !strings.Contains(got, "have reached "+net.JoinHostPort(host, "80")) {
		t.Errorf("%s: the page says %q", host, got)
	}
	for _, scheme := range []string{"udp", "tcp"} {
		if got := stdout(t, 0, "send", scheme+"://"+net.JoinHostPort(host, "7"), "Hello"); got != "Hello" {
			t.Errorf("%s: %s echo says %q", host, scheme, got)
		}
	}
	sent := bytes.Repeat([]byte("octets\n"), 300_000/7+1)[:300_000]
	c := dial(t, host, "8080")
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil { // what is behind it must hear the end, and can still answer
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if sum := sha256.Sum256(sent); err != nil || !bytes.Equal(answer, sum[:]) {
		t.Errorf("%s: through the forwarded port came %x: %v", host, answer, err)
	}
	octet(t, 5, "send", "tcp://"+net.JoinHostPort(host, "8081"), "Hello") // it leads nowhere: a reset
}

// get asks a web server on this thread: the client of net/http has others.
func get(t *testing.T, host, path string) string {
	t.Helper()
	c := dial(t, host, "80")
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: octet\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func dial(t *testing.T, host, port string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// summer starts a server of the kernel's that answers each stream with its SHA-256,
// and returns its address.
func summer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hash := sha256.New()
			if _, err := io.Copy(hash, c); err == nil {
				c.Write(hash.Sum(nil)) // the client sees whether it came
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

// A stack stands beside the kernel on an Ethernet interface, here one end of a
// cable whose other end is the kernel's.
func TestUpBesideTheKernel(t *testing.T) {
	namespace(t)
	ip(t, "link add octet5 type veth peer name octet6")
	for _, name := range []string{"octet5", "octet6"} {
		ip(t, "link set "+name+" up")
	}
	ip(t, "addr add 10.9.0.1/24 dev octet6")
	u := start(t, upReady, "up", "--on", "eth:octet5", "--address", "10.9.0.2/24", "--gateway", "10.9.0.1", "--serve", "--forward", "8080="+summer(t), "--forward", "8081=127.0.0.1:1")
	visit(t, "10.9.0.2")
	if said, want := octet(t, 2, "up", "--on", "eth:octet5", "--address", "10.9.0.1/24"), "somebody else on the link has 10.9.0.1; choose another with --address"; !strings.Contains(said, want) {
		t.Errorf("with the kernel's address octet up says %q, want %q", said, want)
	}
	takeOver(t, "octet6", "10.9.0.2/24")
	u.wait("octet5: address conflict 10.9.0.2 by ")
	u.end(unix.SIGINT, 130)
	if _, err := net.InterfaceByName("octet5"); err != nil {
		t.Error("the interface went with the stack: ", err)
	}
}

// takeOver gives the kernel an address and has it say so to everybody.
func takeOver(t *testing.T, name, address string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/arp_notify", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	ip(t, "addr flush dev "+name)
	ip(t, "addr add "+address+" dev "+name)
	ip(t, "link set "+name+" down")
	ip(t, "link set "+name+" up")
}

// A device that changes is followed, one that disappears ends the command; the
// reports fit the schema.
func TestUpWhenTheDeviceChanges(t *testing.T) {
	namespace(t)
	u := start(t, `"event":"up"`, "up", "--on", "tun:octet7", "--mtu", "1400", "--json")
	ip(t, "link set octet7 mtu 1300")
	for try := 0; !strings.Contains(u.out.String(), `"change":"MTU changed","ifname":"octet7","mtu":1300`); try++ {
		if try == 50 {
			t.Fatalf("the change is not reported: %s", &u.out)
		}
		exec.Command("ping", "-c1", "-W1", "198.18.0.2").Run() // a busy device looks
		time.Sleep(100 * time.Millisecond)
	}
	ip(t, "link del octet7")
	u.end(0, 2)
	if err := validate("up", u.out.String()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(u.err.String(), "octet up: tun:octet7 has ended") {
		t.Errorf("octet up says %s", &u.err)
	}
}

// An up that cannot be says in one line why, and leaves nothing.
func TestUpRefuses(t *testing.T) {
	namespace(t)
	ip(t, "tuntap add mode tun name octet8")
	ip(t, "addr add 198.18.0.1/24 dev octet8")
	for _, c := range []struct {
		code int
		args string
		says string
	}{
		{2, "--on tun:octet8", "tun:octet8 was there before, and what addresses are free on it nobody says; give the stack one with --address"},
		{2, "--on tap:octet8 --address 10.9.0.2/24", "octet8 is there already and of another kind; choose another name"},
		{2, "--on tun:octet9 --address 10.9.0.2/32", "--address 10.9.0.2/32 leaves none for the kernel's side; write a longer network, such as /24"},
		{2, "--on tun:octet9 --address 10.9.0.0/24", "the first address names the network"},
		{2, "--on tap:octet9 --address 10.9.0.2/24 --gateway 10.8.0.1", "cannot route by --gateway 10.8.0.1"},
		{7, "--on eth:octet9 --address 10.9.0.2/24", `there is no interface "octet9"; octet if -a lists the interfaces`},
		{2, "--on eth:lo --address 10.9.0.2/24", "lo is no Ethernet interface"},
		{2, "--on tun:octet9 --serve --forward 80=localhost:1", "cannot listen at tcp port 80 of the stack: address already in use"},
	} {
		said := octet(t, c.code, append([]string{"up"}, strings.Fields(c.args)...)...)
		if !strings.Contains(said, c.says) || strings.Count(said, "\n") > 1 && !strings.Contains(c.args, "--serve") {
			t.Errorf("octet up %s says %q, want %q", c.args, said, c.says)
		}
		if _, err := net.InterfaceByName("octet9"); err == nil {
			t.Errorf("octet up %s leaves its interface", c.args)
		}
	}
	u := start(t, "198.18.1.2/24", "up", "--on", "tun:octet9") // the first network is taken
	said := octet(t, 2, "up", "--on", "tun:octet9")
	if want := "cannot open tun:octet9: another program has it open; end the program"; !strings.Contains(said, want) {
		t.Errorf("a second octet up says %q, want %q", said, want)
	}
	u.end(unix.SIGTERM, 130)
}

// Who may not open devices is told which capability it takes.
func TestUpWithoutPrivilege(t *testing.T) {
	namespace(t)
	for _, c := range []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil { // of what this thread starts
			t.Fatal(err)
		}
	}
	if said := octet(t, 3, "ping", "-c1", "127.0.0.1"); !strings.Contains(said, "it needs the capability CAP_NET_RAW, or a group in sysctl net.ipv4.ping_group_range") {
		t.Errorf("octet ping says %q", said)
	}
	for on, want := range map[string]string{
		"tun:octet7": "octet up: cannot open tun:octet7: operation not permitted; it needs the capability CAP_NET_ADMIN: ",
		"tap:octet7": "cannot open tap:octet7: operation not permitted; it needs the capability CAP_NET_ADMIN: ",
		"eth:lo":     "lo is no Ethernet interface",
	} {
		code := 3
		if on == "eth:lo" {
			code = 2
		}
		if said := octet(t, code, "up", "--on", on, "--address", "10.9.0.2/24"); !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("octet up --on %s says %q, want %q", on, said, want)
		}
	}
}

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

// Nobody but the user reaches the stack.
func TestUpIsPrivate(t *testing.T) {
	namespace(t)
	u := start(t, upReady, "up")
	dir := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "octet")
	st, err := os.Stat(filepath.Join(dir, "tun-octet0"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", st, err)
	}
	u.end(unix.SIGINT, 130)
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("it leaves %v, %v", list, err)
	}
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

// netOf names the network namespace of a process.
func netOf(t *testing.T, pid string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + pid + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
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
