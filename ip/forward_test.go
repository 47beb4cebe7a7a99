package ip

import (
	"testing"
)

// router forwards between eth0 (192.0.2.1/24, 2001:db8:1::1/64) and eth1 (198.51.100.1/24, 2001:db8:2::1/64, MTU 1300).
func router(t testing.TB) (b *bench, lo, eth0, eth1 ID) {
	b = newBench(t, Config{})
	lo = b.iface("lo", 65535, Loopback)
	eth0 = b.iface("eth0", 1500, Multicast|Forwarding, "192.0.2.1/24", "192.0.2.5/24", "2001:db8:1::1/64", "2001:db8:1::5/64", "fe80::1/64")
	eth1 = b.iface("eth1", 1300, Multicast|Forwarding, "198.51.100.1/24", "2001:db8:2::1/64", "fe80::1/64")
	b.route("0.0.0.0/0", eth0, "192.0.2.254")
	b.route("2001:db8:9::/48", eth0, "fe80::fe")
	return b, lo, eth0, eth1
}
