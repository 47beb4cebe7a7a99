package packetdrill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/octet-net/octet"
)

// handshake opens a connection from the far end.
const handshake = `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 65535 <mss 1000>
+0.00 > S. 0:0(0) ack 1 <mss 1460>
+0.01 <  . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
`

func runText(t *testing.T, text string, p octet.Profile) Result {
	t.Helper()
	s, err := Parse("script", text)
	if err != nil {
		t.Fatal(err)
	}
	return Run(s, p)
}

func TestRunPasses(t *testing.T) {
	for name, text := range map[string]string{
		"write": handshake + `
+0.00 write(4, ..., 1500) = 1500
+0.00 >  . 1:1001(1000) ack 1
+0.00 > P. 1001:1501(500) ack 1
+0.02 <  . 1:1(0) ack 1501 win 65535`,
		"blocking read": handshake + `
0.01...0.21 read(4, ..., 100) = 10
 0.21 < P. 1:11(10) ack 1 win 65535
 0.21~0.31 > . 1:1(0) ack 11`,
		"nonblocking read": handshake + `
+0.00 fcntl(4, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0.00 read(4, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)
+0.00 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1`,
		"reset": handshake + `
+0.00 < R. 1:1(0) ack 1 win 0
+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
+0.00 close(4) = 0
+0.00 close(4) = -1 EBADF (Bad file descriptor)`,
		"any time and a range": handshake + `
+0.50 shutdown(4, SHUT_WR) = 0
* > F. 1:1(0) ack 1
+0.1~+0.4 > F. 1:1(0) ack 1`,
		"sysctl": "+0 `sysctl -w net.inet.tcp.sack.enable=0; sysctl -w net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0`" + `
+0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.00 > S 0:0(0) <mss 1460>`,
	} {
		if r := runText(t, text, octet.Linux()); r.Err != nil {
			t.Errorf("%s: %v", name, r.Err)
		} else if r.Packets == 0 {
			t.Errorf("%s: no packet crossed the wire", name)
		}
	}
}

func TestRunNamesWhatDiffers(t *testing.T) {
	for text, want := range map[string]string{
		"+0.00 write(4, ..., 10) = 10\n+0.00 > P. 1:12(11) ack 1":                     "script:11: sequence: want 1:12(11), seen 1:11(10)",
		"+0.00 write(4, ..., 10) = 9":                                                 "script:10: result: want 9, seen 10",
		"+0.00 write(4, ..., 10) = 10\n+0.00 > F. 1:11(10) ack 1":                     "script:11: flags: want F., seen P.",
		"+0.00 write(4, ..., 10) = 10\n+0.00 > P. 1:11(10) ack 2 <nop>":               "script:11: ack: want 2, seen 1",
		"+0.00 write(4, ..., 10) = 10\n+0.00 > P. 1:11(10) ack 1 <mss 5>":             "script:11: options: want <mss 5>, seen <>",
		"+0.00 write(4, ..., 10) = 10\n+0.10 > P. 1:11(10) ack 1":                     "script:11: time: want 0.110000, seen 0.010000",
		"+0.00 > . 1:1(0) ack 1":                                                      "script:10: no packet until 0.014000",
		"+0.00 read(4, ..., 10) = 0":                                                  "script:10: the call would block",
		"+0.00...0.05 read(4, ..., 10) = 0":                                           "script:10: the call has not returned",
		"+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0":            "script:10: argument 4: want [ECONNRESET], seen [0]",
		"+0.00 frobnicate(4) = 0":                                                     "script:10: the call frobnicate is not supported",
		"+0.00 < . 1:1(0) ack 1":                                                      "script:10: a segment to the host needs its window",
		"+0.00 < icmp unreachable nonsense [1:1(0)]":                                  `script:10: there is no ICMP message "unreachable nonsense"`,
		"+0.00 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0":                          "script:10: setsockopt: the option TCP_CORK is not supported",
		"+0.00 < . 1:11(10) ack 1 win 65535\n+0.00 read(4, \"abc\"..., 10) = 10":      `script:11: octets: want "abc"`,
		"+0.00 < . 1:11(10) ack 1 win 65535\n+0.00 ioctl(4, SIOCINQ, [11]) = 0":       "script:11: argument 3: want [11], seen [10]",
		"+0.00 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0.00 read(4, ..., 100) = 0": "script:11: result: want 0, seen -1; error: want none, seen EAGAIN",
	} {
		r := runText(t, handshake+text, octet.Linux())
		if r.Err == nil || !strings.HasPrefix(r.Err.Error(), want) {
			t.Errorf("%s\n\terror %v\n\twant  %s…", text, r.Err, want)
		}
	}
}

func TestRunRejectsOptions(t *testing.T) {
	for _, text := range []string{"--ip_version=ipx", "--mtu=5", "--tolerance_usecs=much"} {
		r := runText(t, text+"\n0 `true`", octet.Linux())
		var e *Error
		if !errors.As(r.Err, &e) || e.Line != 1 {
			t.Errorf("%s: error %v, want one that names line 1", text, r.Err)
		}
	}
}

// TestScripts runs the project's own conversations.
func TestScripts(t *testing.T) {
	for _, err := range failures(t, "testdata", octet.Linux()) {
		t.Error(err)
	}
}

// TestSharedScripts runs the scripts that others wrote. Those that fail are the
// ones that docs/conformance.md lists with a reason, no others, in every run.
func TestSharedScripts(t *testing.T) {
	if _, err := os.Stat(conformance); err != nil {
		t.Skip("no folder " + conformance)
	}
	listed := listedFailures(t)
	for range 3 {
		failed := failures(t, conformance, octet.FreeBSD())
		for name, err := range failed {
			if !listed[name] {
				t.Errorf("docs/conformance.md does not list it: %v", err)
			}
		}
		for name := range listed {
			if failed[name] == nil {
				t.Errorf("%s passes, and docs/conformance.md lists it as failing", name)
			}
		}
	}
}

// listedFailures reads the first column of the table.
func listedFailures(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (rcv-[\w-]+) \|`).FindAllSubmatch(text, -1) {
		listed[string(m[1])] = true
	}
	if len(listed) == 0 {
		t.Fatal("docs/conformance.md lists no script")
	}
	return listed
}

// failures runs the scripts of a folder and returns the errors by name.
func failures(t *testing.T, dir string, p octet.Profile) map[string]error {
	t.Helper()
	files, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]error{}
	err = RunFiles(context.Background(), files, p, func(file string, r Result) {
		if r.Err != nil {
			failed[strings.TrimSuffix(filepath.Base(file), ".pkt")] = r.Err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return failed
}
