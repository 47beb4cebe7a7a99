package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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

// A stack without an address gets one from a router, and its name servers.
func TestUpConfiguresItself(t *testing.T) {
	radvd, err := exec.LookPath("radvd")
	skipUnless(t, err == nil, "there is no radvd here")
	namespace(t)
	ip(t, "link add octet5 type veth peer name octet6")
	for _, name := range []string{"octet5", "octet6"} {
		ip(t, "link set "+name+" up")
	}
	ip(t, "addr add 2001:db8:5::1/64 dev octet6 nodad")
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := "interface octet6 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix 2001:db8:5::/64 { }; RDNSS 2001:db8:5::1 { }; };"
	if err := os.WriteFile(filepath.Join(dir, "radvd.conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	ip(t, "addr add fe80::1/64 dev octet6 nodad") // radvd needs one that is ready
	router := exec.Command(radvd, "-n", "-m", "stderr", "-C", filepath.Join(dir, "radvd.conf"), "-p", filepath.Join(dir, "radvd.pid"))
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	defer router.Wait()
	defer router.Process.Kill()
	const on = "--on=eth:octet5"
	u := start(t, upReady, "up", on)
	if !strings.Contains(u.out.String(), "this stack  2001:db8:5:") {
		t.Errorf("octet up says %s", &u.out)
	}
	octet(t, 0, "ping", "-c", "1", "2001:db8:5::1", on)
	if got := octet(t, 5, "dns", "example.com", on); !strings.Contains(got, "[2001:db8:5::1]:53 does not answer: connection refused") {
		t.Errorf("octet dns says %q", got)
	}
	u.end(unix.SIGINT, 130)
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
