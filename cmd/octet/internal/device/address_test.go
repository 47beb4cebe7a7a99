package device

import (
	"net/netip"
	"testing"

	"github.com/octet-net/octet"
)

// A stack gets addresses of the first network that nobody has.
func TestChosen(t *testing.T) {
	h := octet.NewHost() // stands for the kernel
	defer h.Close()
	want := func(v4, v6 string) {
		t.Helper()
		got, err := chosen(h)
		if err != nil || len(got) != 2 || got[0].String() != v4 || got[1].String() != v6 {
			t.Errorf("chosen %v, %v, want %s and %s", got, err, v4, v6)
		}
	}
	have := func(p string) {
		t.Helper()
		if err := h.AddAddress(1, netip.MustParsePrefix(p)); err != nil {
			t.Fatal(err)
		}
	}
	want("198.18.0.2/24", "fd6f:6374:6574::2/64")
	have("198.18.0.1/23")
	want("198.18.2.2/24", "fd6f:6374:6574:2::2/64")
	have("fd6f:6374:6574:2::9/64")
	want("198.18.3.2/24", "fd6f:6374:6574:3::2/64")
	have("198.16.0.1/12")
	if got, err := chosen(h); err == nil {
		t.Errorf("chosen %v although every network is taken", got)
	}
}

func TestOther(t *testing.T) {
	for ours, want := range map[string]string{
		"10.9.0.2/24": "10.9.0.1/24", "10.9.0.1/24": "10.9.0.2/24", "10.9.0.77/30": "10.9.0.78/30",
		"10.9.0.0/31": "10.9.0.1/31", "10.9.0.1/31": "10.9.0.0/31", "10.9.0.1/32": "",
		"2001:db8::1/64": "2001:db8::2/64", "2001:db8::1/127": "2001:db8::/127", "2001:db8::1/128": "",
		"255.255.255.255/32": "",
	} {
		k, ok := other(netip.MustParsePrefix(ours))
		if ok != (want != "") || ok && k.String() != want {
			t.Errorf("beside %s: %v, %v, want %q", ours, k, ok, want)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for text, fine := range map[string]bool{
		"10.9.0.2/24": true, "10.9.0.0/31": true, "10.9.0.1/32": true, "2001:db8::/64": true,
		"10.9.0.0/24": false, "10.9.0.255/24": false, "0.0.0.0/0": false, "127.0.0.1/8": false, "224.0.0.1/4": false, "ff02::1/16": false, "::1/128": false,
	} {
		if err := CheckAddress(netip.MustParsePrefix(text)); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}
