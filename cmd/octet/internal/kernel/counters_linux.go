package kernel

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// Counters returns what the kernel counts: by protocol (RFC 1213 and its own), then
// by interface.
func Counters() ([]sight.Counter, error) {
	var all []sight.Counter
	for _, f := range []struct {
		name string
		read func([]byte) ([]sight.Counter, error)
	}{
		{"/proc/net/snmp", readPairs}, {"/proc/net/netstat", readPairs}, {"/proc/net/snmp6", readList}, {"/proc/net/dev", readDevices},
	} {
		b, err := os.ReadFile(f.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		var list []sight.Counter
		if err == nil {
			list, err = f.read(b)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the counters: %w", err)
		}
		all = append(all, list...)
	}
	return all, nil
}

var errCounters = errors.New("a line that is not understood")

// readPairs reads pairs of lines: names, then values, both after the protocol.
func readPairs(b []byte) (all []sight.Counter, err error) {
	var names []string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		words := strings.Fields(s.Text())
		switch {
		case len(words) == 0:
			return nil, errCounters
		case names == nil:
			names = words
			continue
		case len(names) != len(words) || names[0] != words[0]:
			return nil, errCounters
		}
		for k := 1; k < len(words); k++ {
			n, err := strconv.ParseInt(words[k], 10, 64)
			if err != nil {
				return nil, err
			}
			all = append(all, sight.Counter{Group: strings.ToLower(strings.TrimSuffix(words[0], ":")), Name: names[k], Value: n})
		}
		names = nil
	}
	return all, nil
}

// readList reads lines of a name and a value. The protocol is the front of the name.
func readList(b []byte) (all []sight.Counter, err error) {
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		words := strings.Fields(s.Text())
		if len(words) != 2 {
			return nil, errCounters
		}
		n, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, err
		}
		group, name, found := strings.Cut(words[0], "6")
		if !found {
			return nil, errCounters
		}
		all = append(all, sight.Counter{Group: strings.ToLower(group) + "6", Name: name, Value: n})
	}
	return all, nil
}

// deviceColumns are the columns of /proc/net/dev, by the names of ip -s link.
var deviceColumns = []string{
	"rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "rx_fifo_errors", "rx_frame_errors", "rx_compressed", "multicast",
	"tx_bytes", "tx_packets", "tx_errors", "tx_dropped", "tx_fifo_errors", "collisions", "tx_carrier_errors", "tx_compressed",
}

// readDevices reads a line for each interface, after two of headings.
func readDevices(b []byte) (all []sight.Counter, err error) {
	s := bufio.NewScanner(bytes.NewReader(b))
	for line := 0; s.Scan(); line++ {
		if line < 2 {
			continue
		}
		name, values, found := strings.Cut(s.Text(), ":")
		words := strings.Fields(values)
		if !found || len(words) < len(deviceColumns) {
			return nil, errCounters
		}
		for k, column := range deviceColumns {
			n, err := strconv.ParseInt(words[k], 10, 64)
			if err != nil {
				return nil, err
			}
			all = append(all, sight.Counter{Group: strings.TrimSpace(name), Name: column, Value: n})
		}
	}
	return all, nil
}
