package demo

import (
	"fmt"
	"strings"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
)

// wireBody is what one direction of the wire did, in the JSON output.
type wireBody struct {
	From       string `json:"from"`
	To         string `json:"to"`
	Sent       uint64 `json:"packets"`
	Octets     uint64 `json:"octets"`
	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"`
	Reordered  uint64 `json:"reordered"`
	Corrupted  uint64 `json:"corrupted"`
	Full       uint64 `json:"queue_full"`
}

// tcpBody is what TCP did about it at one end, in the JSON output.
type tcpBody struct {
	Host           string `json:"host"`
	SegmentsOut    uint64 `json:"segments_out"`
	SegmentsIn     uint64 `json:"segments_in"`
	Retransmits    uint64 `json:"retransmits"`
	FastRecoveries uint64 `json:"fast_recoveries"`
	Timeouts       uint64 `json:"timeouts"`
	Spurious       uint64 `json:"spurious_recoveries"`
	Duplicates     uint64 `json:"duplicates_dropped"`
	Reordered      uint64 `json:"reordered_in"`
	BadChecksums   uint64 `json:"bad_checksums"`
}

// tell says what the wire did to packets, and what TCP did about it.
func (c *transfer) tell(n *network) {
	c.tellWire(clientName, serverName, n.wire.Stats(0))
	c.tellWire(serverName, clientName, n.wire.Stats(1))
	c.tellTCP(clientName, c.info[0](), n.client.Stats())
	c.tellTCP(serverName, c.info[1](), n.server.Stats())
}

func (c *transfer) tellWire(from, to string, s link.PathStats) {
	c.report.Labelled("wire").Printf("%s → %s: carried %s\n", from, to, counts{
		{s.Sent, "packets"}, {s.Lost, "lost"}, {s.Duplicated, "doubled"},
		{s.Reordered, "held back"}, {s.Corrupted, "damaged"}, {s.QueueDropped, "without room"},
	})
	c.report.Event("wire", wireBody{from, to, s.Sent, s.SentOctets, s.Lost, s.Duplicated, s.Reordered, s.Corrupted, s.QueueDropped})
}

func (c *transfer) tellTCP(host string, i octet.Info, s octet.Stats) {
	t := i.Counts
	damaged := s.Drops[octet.DropSegment] + s.IPDrops[ip.BadChecksum] + s.IPDrops[ip.Malformed]
	c.report.Labelled(host).Printf("TCP %s\n", counts{
		{t.SegmentsOut, "segments sent"}, {t.Retransmits, "sent again"},
		{t.FastRecoveries, "fast recoveries"}, {t.Timeouts, "timeouts"},
		{t.DuplicatesIn, "duplicates dropped"}, {t.ReorderedIn, "out of order"}, {damaged, "dropped for a bad checksum"},
	})
	c.report.Event("tcp", tcpBody{
		host, t.SegmentsOut, t.SegmentsIn, t.Retransmits, t.FastRecoveries, t.Timeouts, t.Spurious, t.DuplicatesIn, t.ReorderedIn, damaged,
	})
}

// counts are numbers with what they count. Those after the first that are zero are
// left out.
type counts []struct {
	n    uint64
	what string
}

func (c counts) String() string {
	var said []string
	for k, one := range c {
		if k == 0 || one.n > 0 {
			said = append(said, fmt.Sprintf("%s %s", quantity.Group(one.n), one.what))
		}
	}
	return strings.Join(said, ", ")
}
