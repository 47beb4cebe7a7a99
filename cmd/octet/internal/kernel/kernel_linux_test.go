package kernel

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// iproute returns what ip(8) shows in JSON.
func iproute(t *testing.T, args ...string) (list []map[string]any) {
	t.Helper()
	out, err := exec.Command("ip", append([]string{"-j"}, args...)...).Output()
	if err != nil {
		if os.Getenv("OCTET_CI") != "" {
			t.Fatal("there is no ip(8) here: ", err)
		}
		t.Skip("there is no ip(8) here: ", err)
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// The routes are those that ip route shows, in its words.
func TestRoutesAreThoseOfIP(t *testing.T) {
	got, err := Routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range []string{"-4", "-6"} {
		for _, want := range iproute(t, family, "route") {
			match := func(r sight.Route) bool {
				gateway, _ := want["gateway"].(string)
				dev, _ := want["dev"].(string)
				return r.Dst == want["dst"] && r.Gateway == gateway && r.Dev == dev
			}
			if want["nexthops"] == nil && !slices.ContainsFunc(got, match) {
				t.Errorf("no route %v in %+v", want, got)
			}
		}
	}
}

// A connection of this process is listed at both ends, with what it knows of its path.
func TestConns(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	list, err := Conns()
	if err != nil {
		t.Fatal(err)
	}
	have := func(what string, match func(sight.Conn) bool) {
		t.Helper()
		if !slices.ContainsFunc(list, match) {
			t.Errorf("%s is not among %+v", what, list)
		}
	}
	have("the listener", func(x sight.Conn) bool {
		return x.Network == "tcp" && x.State == "LISTEN" && x.Local == l.Addr().String() && x.Peer == "" && x.TCP == nil
	})
	have("the connection", func(x sight.Conn) bool {
		return x.State == "ESTABLISHED" && x.Local == c.LocalAddr().String() && x.Peer == l.Addr().String() && x.TCP != nil && x.TCP.MSS > 500 && x.TCP.RTO > 0
	})
	have("the datagram socket", func(x sight.Conn) bool {
		return x.Network == "udp" && x.State == "UNCONN" && x.Local == pc.LocalAddr().String()
	})
}

func TestCounters(t *testing.T) {
	list, err := Counters()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ip InReceives", "tcp ActiveOpens", "lo rx_packets"} {
		if !slices.ContainsFunc(list, func(c sight.Counter) bool { return c.Group+" "+c.Name == name }) {
			t.Errorf("%s is not counted", name)
		}
	}
	for _, bad := range []string{"Tcp: A B\nTcp: 1\n", "Tcp: A\nIp: 1\n", "Tcp: A\nTcp: x\n", "\n"} {
		if got, err := readPairs([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	for _, bad := range []string{"Ip6InReceives\n", "InReceives 1\n", "Ip6InReceives x\n"} {
		if got, err := readList([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	for _, bad := range []string{"lo 1 2 3\n", "lo: 1 2 3\n", "lo:" + strings.Repeat(" x", 16) + "\n"} {
		if got, err := readDevices([]byte("heading\nheading\n" + bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// The host itself answers a ping; an address without a way there is said to have none.
func TestPing(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, size := range []int{0, 56, 65507} {
		e, err := Ping(ctx, netip.MustParseAddr("127.0.0.1"), sight.Ping{Size: size})
		if outcome.Of(err) == outcome.NotPermitted {
			t.Skip(err)
		}
		if err != nil || e.Kind != sight.Answered || e.From.String() != "127.0.0.1" || e.HopLimit != 64 || e.RTT <= 0 {
			t.Errorf("%d octets: %+v, %v", size, e, err)
		}
	}
	given, giveUp := context.WithCancel(ctx)
	giveUp()
	if _, err := Ping(given, netip.MustParseAddr("127.0.0.2"), sight.Ping{}); err == nil {
		t.Error("a ping that was given up is answered")
	}
}

func TestChecksum(t *testing.T) {
	// The example of RFC 1071 §3, and one octet more.
	for _, c := range []struct {
		octets string
		want   uint16
	}{{"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", ^uint16(0xddf2)}, {"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7\x01", ^uint16(0xdef2)}, {"", 0xffff}} {
		if got := checksum([]byte(c.octets)); got != c.want {
			t.Errorf("%x: %x, want %x", c.octets, got, c.want)
		}
	}
}
