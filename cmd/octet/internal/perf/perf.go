// Package perf measures what a network carries between two processes: throughput,
// requests and their latency, connections, datagrams with their losses. One is the
// server, the other says what is measured, in the words that people know from iperf3.
package perf

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// Port is where a server listens if nobody says otherwise.
const Port = 7201

// A Work is what is measured.
type Work string

// The works.
const (
	Stream   Work = "stream"   // octets one way
	Requests Work = "requests" // a message there and back, again and again
	Connects Work = "connects" // a connection, an octet each way, its end
)

// The bounds of what a client may ask of a server.
const (
	MaxStreams  = 256
	MaxLength   = 1 << 20
	MaxDatagram = 65507 // as one UDP datagram over IPv4 holds
	MinDatagram = 16    // a number and a time
	MaxTime     = 24 * time.Hour
	maxSessions = 256
)

// A Plan says what is measured. It goes to the server as it is.
type Plan struct {
	Version int           `json:"v"`
	Work    Work          `json:"work"`
	UDP     bool          `json:"udp,omitempty"`
	Reverse bool          `json:"reverse,omitempty"` // the server sends
	Streams int           `json:"streams"`
	Length  int           `json:"length"`         // octets of a write, a message or a datagram
	Rate    int64         `json:"rate,omitempty"` // bits a second of all streams; 0: no limit
	Time    time.Duration `json:"time_ns"`
	Size    int64         `json:"size,omitempty"` // octets of all streams; 0: as many as the time allows
}

const version = 1

// check refuses what a server will not do.
func (p *Plan) check() error {
	least, most := 1, MaxLength
	if p.UDP {
		least, most = MinDatagram, MaxDatagram
	}
	known := p.Work == Stream || p.Work == Requests || p.Work == Connects && !p.UDP
	switch {
	case p.Version != version:
		return fmt.Errorf("version %d of the measurement is not known here", p.Version)
	case !known:
		return fmt.Errorf("work %q is not known here", p.Work)
	case p.Streams < 1 || p.Streams > MaxStreams || p.Length < least || p.Length > most || p.Rate < 0 || p.Size < 0 || p.Time <= 0 || p.Time > MaxTime:
		return errors.New("numbers out of range")
	}
	return nil
}

// A connection to a server begins with an octet that says what it is for.
const (
	forControl = 'c' // then lines of JSON: a Plan, a welcome, a result
	forData    = 'd' // then the identifier of the session
)

// idSize is the length of the identifier, which nobody else can guess.
const idSize = 16

// welcome is the server's answer to a Plan.
type welcome struct {
	ID    string `json:"id,omitempty"`
	Port  int    `json:"port,omitempty"` // for the datagrams
	Error string `json:"error,omitempty"`
}

func (w *welcome) id() (id [idSize]byte, err error) {
	b, err := hex.DecodeString(w.ID)
	if err == nil && len(b) != idSize {
		err = errLanguage
	}
	copy(id[:], b)
	return id, err
}

// done is what the sender tells the receiver at the end.
type done struct {
	Packets int64 `json:"packets"`
	Octets  int64 `json:"octets"`
}

// A result is what a server has counted.
type result struct {
	Octets      int64         `json:"octets"`
	Packets     int64         `json:"packets,omitempty"` // sent
	Elapsed     time.Duration `json:"elapsed_ns"`
	Retransmits int64         `json:"retransmits,omitempty"`
	Counted     bool          `json:"counted,omitempty"` // it knows the retransmits
	Datagrams   datagrams     `json:"datagrams"`
}

var errLanguage = &outcome.Error{Code: outcome.Usage, What: "what answers there is no octet perf server of this version", Do: "start one with octet perf --server"}

// maxLine is the longest line that is read.
const maxLine = 4096

// A control is the connection on which the two speak.
type control struct {
	net.Conn
	in *bufio.Reader
}

func newControl(c net.Conn) control { return control{c, bufio.NewReaderSize(c, maxLine)} }

func (c control) say(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = c.Write(append(b, '\n'))
	return err
}

func (c control) hear(v any) error {
	line, err := c.in.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return errLanguage
	case err == io.EOF && len(line) > 0:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	if json.Unmarshal(line, v) != nil {
		return errLanguage
	}
	return nil
}
