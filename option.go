package octet

import (
	"net/netip"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// An Option says how a host differs from the default: see NewHost.
type Option func(*options)

// options are what the options of NewHost set.
type options struct {
	name     string
	line     *timeline.Timeline
	profile  Profile
	seed     *uint64
	hosts    []hostsEntry
	servers  []netip.AddrPort
	lookup   func(name string) ([]netip.Addr, error)
	observer link.Observer

	addressTests *bool
}

type hostsEntry struct {
	name  string
	addrs []netip.Addr
}

// WithName names the host. It is a name that the host itself resolves, to
// loopback addresses, unless WithHosts says something else of it.
func WithName(name string) Option { return func(o *options) { o.name = name } }

// WithTimeline lets the host live on a Timeline that others share. Without it
// the host has one of its own, which ends with it.
func WithTimeline(t *timeline.Timeline) Option { return func(o *options) { o.line = t } }

// WithProfile sets the policies of the host: Linux() if it is not given.
func WithProfile(p Profile) Option { return func(o *options) { o.profile = p } }

// WithSeed derives everything random of the host from the seed and its name, so
// that a run can be repeated. Whoever knows the seed can forge packets: without
// this option the keys come from crypto/rand.
func WithSeed(seed uint64) Option { return func(o *options) { o.seed = &seed } }

// WithHosts adds a name to the host's own table, which is asked before any server.
func WithHosts(name string, addrs ...netip.Addr) Option {
	return func(o *options) { o.hosts = append(o.hosts, hostsEntry{name, addrs}) }
}

// WithLookup asks a function for the addresses of names that the host's own table
// does not have, before any server: a network in memory knows its hosts. Names
// come in lower case, without a dot at the end. No address and no error leaves
// the name to the servers.
func WithLookup(f func(name string) ([]netip.Addr, error)) Option {
	return func(o *options) { o.lookup = f }
}

// WithDNS names the servers that are asked, over this host, for names it does not know itself.
func WithDNS(servers ...netip.AddrPort) Option {
	return func(o *options) { o.servers = append(o.servers, servers...) }
}

// WithAddressTests says whether the host tests, on every Ethernet link, that nobody
// else has an address before it uses it: see Host.AddAddress. Without this option
// it does so where other programs or machines are on the link, not on links in memory.
func WithAddressTests(on bool) Option { return func(o *options) { o.addressTests = &on } }

// WithObserver shows every packet that enters or leaves the host by any of its
// interfaces, loopback too, to an observer such as a *link.Capture.
func WithObserver(v link.Observer) Option { return func(o *options) { o.observer = v } }
