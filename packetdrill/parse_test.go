package packetdrill

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

// conformance is where other people's scripts lie, if they are there.
const conformance = "../../shared/conformance"

func scripts(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".pkt") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestParseEverySharedScript(t *testing.T) {
	if _, err := os.Stat(conformance); err != nil {
		t.Skip("no folder " + conformance)
	}
	for _, path := range scripts(t, conformance) {
		s, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := Parse(path, s.String())
		if err != nil {
			t.Errorf("printed script does not parse: %v", err)
			continue
		}
		if !same(s, again) {
			t.Errorf("%s: printed and parsed again it is another script", path)
		}
	}
}

// same compares two scripts but for the places of their events.
func same(a, b *Script) bool {
	strip := func(s *Script) *Script {
		c := &Script{}
		for _, o := range s.Options {
			o.Line = 0
			c.Options = append(c.Options, o)
		}
		for _, e := range s.Events {
			c.Events = append(c.Events, &Event{When: e.When, Action: e.Action})
		}
		return c
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

func parseOne(t *testing.T, line string) *Event {
	t.Helper()
	s, err := Parse("test", line)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Events) != 1 {
		t.Fatalf("%q: %d events", line, len(s.Events))
	}
	return s.Events[0]
}

func TestParseTimes(t *testing.T) {
	const ms = time.Millisecond
	for text, want := range map[string]When{
		"0.25":        {Kind: Absolute, From: 250 * ms},
		"+1":          {Kind: Relative, From: time.Second},
		"*":           {Kind: AnyTime},
		"0.1~0.2":     {Kind: AbsoluteRange, From: 100 * ms, To: 200 * ms},
		"+.1":         {Kind: Relative, From: 100 * ms},
		"+.0~+.5":     {Kind: RelativeRange, To: 500 * ms},
		".1....2":     {Kind: Absolute, From: 100 * ms, To: 200 * ms, Ends: true},
		"+0.1~+0.2":   {Kind: RelativeRange, From: 100 * ms, To: 200 * ms},
		"+0.1~0.2":    {Kind: RelativeRange, From: 100 * ms, To: 200 * ms},
		"0.1...0.2":   {Kind: Absolute, From: 100 * ms, To: 200 * ms, Ends: true},
		"+0.1...+0.2": {Kind: Relative, From: 100 * ms, To: 200 * ms, Ends: true},
	} {
		s, err := Parse("test", text+" `true`")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := s.Events[0].When; got != want {
			t.Errorf("%s = %+v, want %+v", text, got, want)
		}
	}
}

func TestParsePackets(t *testing.T) {
	seg := func(line string) *TCP { return parseOne(t, line).Action.(*Packet).TCP }
	s := seg("0 < (tos 0x28) SEW 0:0(0) win 5 <mss 1460,nop,wscale 6,sackOK,TS val 7! ecr 9!>")
	if s.Flags != wire.SYN|wire.ECE|wire.CWR || s.Window != 5 || len(s.Options) != 5 {
		t.Errorf("SYN parsed as %+v", s)
	}
	if o := s.Options[4]; !o.Ignore || !o.Absolute || o.Value != 7 || o.Echo != 9 {
		t.Errorf("timestamp parsed as %+v", o)
	}
	s = seg("+0 > P. 4294967295:9(10)! ack 3 urg 4 <sack 1:2 3:4,...>")
	if s.Start != 1<<32-1 || s.Len != 10 || s.End() != 9 || !s.Absolute || s.Ack != 3 || s.Urgent != 4 || !s.AnyOption {
		t.Errorf("segment parsed as %+v", s)
	}
	if s.Window != -1 {
		t.Errorf("a window that is not given is %d", s.Window)
	}
	if got := seg("0 > . 1:1(0) ack 1").Flags; got != wire.ACK {
		t.Errorf("flags . parsed as %v", got)
	}
	for text, want := range map[string]wire.Flags{
		".5": wire.ACK | wire.AE | wire.ECE, "P.2": wire.PSH | wire.ACK | wire.CWR, "F4.": wire.FIN | wire.ACK | wire.AE,
		"EAP.": wire.ECE | wire.AE | wire.PSH | wire.ACK, "SEWA": wire.SYN | wire.ECE | wire.CWR | wire.AE, ".0": wire.ACK,
	} {
		if got := seg("0 > " + text + " 1:1(0) ack 1").Flags; got != want {
			t.Errorf("flags %s parsed as %v, want %v", text, got, want)
		}
	}
	s = seg("0 > .5 1:1(0) ack 1 <ECN e1b 1 ceb 258,nop,ECN e0b 2 ceb 0 e1b 1,ECN>")
	for i, want := range []string{"ECN e1b 1 ceb 258", "nop", "ECN e0b 2 ceb 0 e1b 1", "ECN"} {
		if got := s.Options[i].String(); got != want {
			t.Errorf("option %d parsed as %s, want %s", i, got, want)
		}
	}
	k := parseOne(t, "0 < icmp unreachable frag_needed mtu 1400 [5:10(5)]").Action.(*Packet)
	if k.Out || k.ICMP.MTU != 1400 || *k.ICMP.Quoted != (Quote{Start: 5, Len: 5}) {
		t.Errorf("ICMP parsed as %+v", k.ICMP)
	}
}

func TestParseCalls(t *testing.T) {
	c := parseOne(t, `0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)`).Action.(*Call)
	if c.Name != "connect" || c.Errno != "EINPROGRESS" || c.Result != (Int{V: -1}) || len(c.Args) != 3 {
		t.Errorf("connect parsed as %+v", c)
	}
	c = parseOne(t, `0 sendto(3, "a\x00b"..., 3, MSG_A | MSG_B, {sa_family = AF_INET, sin_port = htons(80)}, [1, 0x2]) = ...`).Action.(*Call)
	if got, want := c.String(), `sendto(3, "a\x00b"..., 3, MSG_A | MSG_B, {sa_family=AF_INET, sin_port=htons(80)}, [1, 0x2]) = ...`; got != want {
		t.Errorf("printed as\n%s, want\n%s", got, want)
	}
	s, err := Parse("two", "0 close(3) = 0\n+0 close(4) = 0")
	if err != nil || len(s.Events) != 2 || s.Events[1].Line != 2 {
		t.Errorf("two calls: %v %v", s, err)
	}
}

func TestParseErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"0 < S 0:1(0)":                   "test:1: sequence range: 0:1(0) does not add up",
		"\n0 < X 0:0(0)":                 `test:2: flags of a segment: "X" is not one of`,
		"0 > S 0:0(0) <mss>":             "test:1: mss: want a number",
		"0 > S 0:0(0) <mss 70000>":       "test:1: mss: 70000 is not between 0 and 65535",
		"0 > . 1:1(0) ack 1 <sack>":      "test:1: sack: want 1 to 4 blocks",
		"0 close(3":                      "test:1: want , or ), found the end of the script",
		"0 close(3) = ":                  "test:1: want an argument, found the end",
		"/* open":                        "test:1: comment without an end",
		"0 `true":                        "test:1: no closing `",
		"zero close(3) = 0":              "test:1: want a time in seconds",
		"0.2~0.1 `x`":                    "test:1: the time ends before it begins",
		"0 < (bogus) . 1:1(0)":           "test:1: field of IP: want tos",
		"0 > . 1:1(0) ack 1 <gen 3 12>":  "",
		"0 > . 1:1(0) <ECN ceb 1>":       "test:1: ECN: want e0b, ceb and e1b in this order",
		"0 > 5 1:1(0)":                   "test:1: want the flags",
		"0 > .8 1:1(0)":                  `test:1: flags of a segment: "8" is not one of`,
		"0 > . 1:1(0) <gen 3 123>":       "test:1: \"123\" is not an even number",
		"0 x(" + strings.Repeat("[", 99): "test:1: expressions nest deeper",
	} {
		_, err := Parse("test", text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%q: error %v, want %s…", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--ip_version=ipv4\n0 < S 0:0(0) win 1 <mss 3,TS val 1 ecr 2>\n+0 close(3) = -1 EBADF (x)\n* `a`")
	f.Add("0.1...0.2 read(3, \"a\"..., {a(1)=[1|2], b=c(d)}) = 5\n1~2 > icmp unreachable mtu 5 [1:2(1)]")
	f.Add("0 > .5 1:1(0) ack 1 <ECN e1b 1 ceb 258,nop,ECN e0b 2 ceb 0 e1b 1,ECN>")
	f.Add("0 < (tos 3)[ce] F. 1:1(0)! ack 5 urg 1 <sack 1:2,gen 5 aa,FO 0102,...>\n0 %{ x }%")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("fuzz", text)
		if err != nil {
			return
		}
		again, err := Parse("fuzz", s.String())
		if err != nil {
			t.Fatalf("printed script does not parse: %v\n%s", err, s)
		}
		if !same(s, again) {
			t.Fatalf("printed and parsed again it is another script:\n%s\n%s", s, again)
		}
	})
}
