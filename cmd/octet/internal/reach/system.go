package reach

import (
	"bufio"
	"context"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/kernel"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// system is the operating system's network.
type system struct{ octet.Network }

func (system) Routes() ([]sight.Route, error)         { return kernel.Routes() }
func (system) Neighbours() ([]sight.Neighbour, error) { return kernel.Neighbours() }
func (system) Conns() ([]sight.Conn, error)           { return kernel.Conns() }
func (system) Counters() ([]sight.Counter, error)     { return kernel.Counters() }
func (system) Close() error                           { return nil }

func (system) Ping(ctx context.Context, dst netip.Addr, p sight.Ping) (sight.Echo, error) {
	return kernel.Ping(ctx, dst, p)
}

func (s system) Capture(ctx context.Context, name string, w io.Writer) error {
	if name == "" {
		var err error
		if name, err = s.first(); err != nil {
			return err
		}
	}
	return kernel.Capture(ctx, name, w)
}

// first returns the interface of the first default route.
func (s system) first() (string, error) {
	list, err := s.Routes()
	if err != nil {
		return "", err
	}
	for _, r := range list {
		if r.Dst == "default" && r.Dev != "" {
			return r.Dev, nil
		}
	}
	return "", outcome.Failf(outcome.Usage, "name an interface: octet if -a lists them", "there is no default route whose interface could be meant")
}

// NameServers returns the servers of resolv.conf(5).
func (system) NameServers() ([]netip.AddrPort, error) {
	const name = "/etc/resolv.conf"
	f, err := os.Open(name)
	if err != nil {
		return nil, outcome.Failf(outcome.Of(err), "name a server", "cannot read %s: %w", name, err)
	}
	defer f.Close()
	var all []netip.AddrPort
	in := bufio.NewScanner(f)
	for in.Scan() {
		words := strings.Fields(in.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil { // resolv.conf(5): others are ignored
			all = append(all, netip.AddrPortFrom(a, 53))
		}
	}
	return all, in.Err()
}
