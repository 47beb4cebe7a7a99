package netif

import (
	"encoding/json"
	"net/netip"
	"testing"
)

// The first three lines of netconfig.txt as macOS prints them, but for the blank
// that it leaves at the end of the last.
const document = "lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384\n" +
	"\toptions=1203<RXCSUM,TXCSUM,TXSTATUS,SW_TIMESTAMP>\n" +
	"\tinet 127.0.0.1 netmask 0xff000000\n"

func TestTextIsTheFormOfTheDocument(t *testing.T) {
	in := Interface{
		Index: 1, Name: "lo0", MTU: 16384, Link: "loopback", Flags: Word{BSDFlags, 0x8049}, Options: &Word{MacOptions, 0x1203},
		Addrs: []Addr{{Prefix: netip.MustParsePrefix("127.0.0.1/8")}},
	}
	if got := in.Text(); got != document {
		t.Errorf("got\n%swant\n%s", got, document)
	}
}

func TestText(t *testing.T) {
	in := Interface{
		Index: 4, Name: "eth0", MTU: 1400, Link: "ether", OperState: "UP", MAC: []byte{2, 0xfc, 0, 0, 0, 1},
		Flags: Word{LinuxFlags, 0x11043}, // LOWER_UP has no room in what ifconfig shows
		Addrs: []Addr{
			{Prefix: netip.MustParsePrefix("192.0.2.2/24"), Broadcast: netip.MustParseAddr("192.0.2.255")},
			{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Peer: netip.MustParseAddr("10.0.0.2")},
			{Prefix: netip.MustParsePrefix("fd00::2/64")},
			{Prefix: netip.MustParsePrefix("fe80::1/64")},
		},
	}
	want := "eth0: flags=1043<UP,BROADCAST,RUNNING,MULTICAST> mtu 1400\n\tether 02:fc:00:00:00:01\n" +
		"\tinet 192.0.2.2 netmask 0xffffff00 broadcast 192.0.2.255\n\tinet 10.0.0.1 --> 10.0.0.2 netmask 0xffffffff\n" +
		"\tinet6 fd00::2 prefixlen 64\n\tinet6 fe80::1%eth0 prefixlen 64 scopeid 0x4\n\tstatus: active\n"
	if got := in.Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestStatus(t *testing.T) {
	up, down := Word{LinuxFlags, 0x41}, Word{LinuxFlags, 0}
	for _, c := range []struct {
		in   Interface
		want string
	}{
		{Interface{Link: "loopback", OperState: "UNKNOWN", Flags: up}, ""},
		{Interface{Link: "ether", Flags: up}, ""},
		{Interface{Link: "ether", OperState: "UP", Flags: up}, "active"},
		{Interface{Link: "none", OperState: "UNKNOWN", Flags: up}, "active"},
		{Interface{Link: "ether", OperState: "DOWN", Flags: Word{LinuxFlags, 1}}, "no carrier"},
		{Interface{Link: "ether", OperState: "DOWN", Flags: down}, "inactive"},
	} {
		if got := c.in.Status(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestMask4(t *testing.T) {
	for n, want := range map[int]uint32{0: 0, 1: 0x80000000, 8: 0xff000000, 20: 0xfffff000, 24: 0xffffff00, 32: 0xffffffff} {
		if got := Mask4(n); got != want {
			t.Errorf("Mask4(%d) = %#x, want %#x", n, got, want)
		}
	}
}

func TestBodyHasTheKeysOfIproute2(t *testing.T) {
	in := Interface{
		Index: 1, Name: "lo", MTU: 65536, Link: "loopback", OperState: "UNKNOWN", QueueLen: 1000, Flags: Word{LinuxFlags, 0x10049}, MAC: make([]byte, 6),
		Addrs: []Addr{{Prefix: netip.MustParsePrefix("127.0.0.1/8"), Scope: "host", Label: "lo", Valid: Forever, Preferred: Forever}},
	}
	got, err := json.Marshal(in.Body())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ifindex":1,"ifname":"lo","flags":["UP","LOOPBACK","RUNNING","LOWER_UP"],"flags_value":65609,"mtu":65536,"operstate":"UNKNOWN","txqlen":1000,` +
		`"link_type":"loopback","address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo",` +
		`"valid_life_time":4294967295,"preferred_life_time":4294967295}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTablesAreInOrderAndUnambiguous(t *testing.T) {
	for _, table := range []*Table{BSDFlags, LinuxFlags, MacOptions, FreeBSDOptions, ND6Options} {
		seen, last := map[string]bool{}, uint32(0)
		for _, b := range table.Bits {
			if b.Mask&(b.Mask-1) != 0 || b.Mask <= last {
				t.Errorf("%s: %s has mask %#x after %#x", table.System, b.Names[0], b.Mask, last)
			}
			last = b.Mask
			for _, n := range b.Names {
				if seen[n] && n != "STATICARP" { // OpenBSD's and FreeBSD's bits differ
					t.Errorf("%s: %s stands for two bits", table.System, n)
				}
				seen[n] = true
			}
		}
	}
}
