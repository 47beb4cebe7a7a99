package device

import (
	"fmt"
	"net/netip"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/netif"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// The networks between the kernel and a stack on a device that was made for it, of
// which each device has its own, numbered from 0: in IPv4 one of 198.18.0.0/16, which
// is set aside for measurements inside one place (RFC 2544) and in nobody's way, in
// IPv6 one of a unique local prefix (RFC 4193) that spells octet.
const networks = 256

func network4(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(n), 2}), 24)
}

func network6(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 'o', 'c', 't', 'e', 't', 0, byte(n), 15: 2}), 64)
}

// chosen returns addresses for a stack in networks that no interface of the kernel has.
func chosen(system octet.Network) ([]netip.Prefix, error) {
	list, err := system.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	var taken []netip.Prefix
	for _, i := range list {
		taken = append(taken, i.Addrs...)
	}
	for n := range networks {
		if mine := []netip.Prefix{network4(n), network6(n)}; !overlap(mine, taken) {
			return mine, nil
		}
	}
	return nil, outcome.Failf(outcome.Usage, "give the stack one with --address", "every network that octet chooses addresses from is taken")
}

func overlap(a, b []netip.Prefix) bool {
	for _, p := range a {
		for _, q := range b {
			if p.Overlaps(q) {
				return true
			}
		}
	}
	return false
}

// other returns the address of the kernel's side in the network of ours: the first
// one for hosts that is not ours.
func other(ours netip.Prefix) (netip.Prefix, bool) {
	a := ours.Masked().Addr()
	if ours.Bits() < a.BitLen()-1 { // the first one names the network; of two, both are for hosts (RFC 3021, RFC 6164)
		a = a.Next()
	}
	if a == ours.Addr() {
		a = a.Next()
	}
	p := netip.PrefixFrom(a, ours.Bits())
	return p, a.IsValid() && p.Masked() == ours.Masked()
}

// CheckAddress refuses what cannot be the address of an interface.
func CheckAddress(p netip.Prefix) error {
	a := p.Addr()
	switch {
	case a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a.Zone() != "" || a.Is4In6():
	case a.Is4() && p.Bits() < 31 && (p.Masked().Addr() == a || netif.Last(p) == a):
		return fmt.Errorf("%v is not one host of its network: the first address names the network, the last is for all", p)
	default:
		return nil
	}
	return fmt.Errorf("%v is no address that a host can have", p)
}
