package tcp

import (
	"time"

	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// A Config holds every policy of a connection. Connections only read it, so one
// Config serves many. Start from Linux or FreeBSD and change what you need.
type Config struct {
	// NewControl makes the congestion control of a connection; nil takes the default of package cc.
	NewControl func(cc.Params) cc.Control

	InitialWindow int  // initial congestion window in segments (RFC 6928): 10
	Pacing        bool // spread a window over a round trip; BBR always does
	MinMSS        int  // a smaller MSS of the peer is not believed, in octets (CVE-2019-11479)
	MinPathMSS    int  // a smaller path is not believed to be one: 512 is an MTU of 552 with IPv4 (RFC 1191 §3)

	PathMTU PathMTU // how the size is found where routers say nothing

	WindowScale bool // offer window scaling (RFC 7323 §2)
	Timestamps  bool // offer timestamps (RFC 7323 §3)
	SACK        bool // offer selective acknowledgements (RFC 2018)
	// ECN is what Connect asks for; AccurateECN falls back to what the peer knows. As
	// Linux does, nothing is asked for by default: some networks still drop who asks.
	ECN ECN
	// AcceptECN is the most that Accept agrees to, as far as the peer asks: by default
	// everything (RFC 9293 SHLD-8), where Linux stops at ClassicECN (tcp_ecn 2, not 5).
	AcceptECN ECN

	Nagle bool // hold back small segments while data is unacknowledged (RFC 9293 §3.7.4)

	// Recovery bounds the retransmission timer (RFC 6298) and loss detection (RFC 8985).
	Recovery lossPolicy
	// R1 retransmissions of one segment put the path in doubt; after R2 the
	// connection is given up (RFC 9293 §3.8.3).
	// Defaults: three retransmissions (SHLD-10), and 15, which take longer than 100 s (SHLD-11).
	R1, R2 int
	// Seven doublings of a second are more than three minutes (MUST-23).
	SynRetries    int           // R2 for the SYN of Connect
	SynAckRetries int           // R2 for the SYN-ACK of Accept
	OrphanRetries int           // R2 once the user has closed
	UserTimeout   time.Duration // how long data may stay unacknowledged; 0: R2 decides (RFC 5482)
	MaxProbe      time.Duration // largest interval of zero-window probes

	DelayedAck time.Duration // longest delay of an ACK, below 500 ms (RFC 9293 §3.8.6.3); 0 acknowledges at once
	RepeatFIN  bool          // a FIN that crosses ours is acknowledged by our FIN again, not by a bare ACK
	AckSecond  bool          // acknowledge every second segment whatever its size, not every two full ones
	QuickAcks  int           // segments at the start, and after an idle time, that are acknowledged at once
	// Keep-alives are MAY-5.
	KeepAlive   KeepAlive
	MSL         time.Duration // TIME-WAIT lasts twice that
	FinWait2    time.Duration // how long a closed connection waits for the peer's FIN
	RequireTS   bool          // drop segments without a timestamp where it was negotiated (RFC 7323 §3.2)
	ReuseOnSYN  bool          // a strictly newer SYN ends TIME-WAIT (RFC 6191)
	StrictOpen  bool          // refuse simultaneous open
	AckInterval time.Duration // at most one ACK for segments out of the window in this time (RFC 5961 §7)

	// Buffers start at Initial and grow to Max as the connection needs. An idle connection holds none.
	SendBuffer, ReceiveBuffer Buffer
	WholeBuffer               bool // round the receive buffer up to whole segments, and accept what it takes even beyond 65,535 octets unscaled
	MaxWindow                 int  // most that is ever offered, in octets; 0: the buffer decides
}

// maxWindow returns the most that is ever offered, in octets.
func (c *Config) maxWindow() int {
	if c.MaxWindow == 0 {
		return 1 << 30 // the most that the largest scale offers (RFC 7323 §2.3)
	}
	return c.MaxWindow
}

// scale returns the window scale that the largest receive buffer needs.
func (c *Config) scale() uint8 { return shiftFor(max(c.ReceiveBuffer.Max, c.ReceiveBuffer.Initial)) }

// Buffer is how large a buffer is at first and how far it may grow, in octets.
type Buffer struct{ Initial, Max int }

// KeepAlive says when an idle peer is asked whether it is still there
// (RFC 9293 §3.8.4). The zero KeepAlive never asks.
type KeepAlive struct {
	Idle     time.Duration // silence before the first probe; 0 turns keep-alive off
	Interval time.Duration // between probes
	Count    int           // unanswered probes that end the connection
}

// Linux returns the policies of Linux, which are the default of octet, except
// where an RFC demands otherwise: SYNs are tried for more than three minutes.
func Linux() Config {
	return Config{
		InitialWindow: 10,
		MinMSS:        216,
		MinPathMSS:    512,
		PathMTU:       defaultPathMTU(),
		WindowScale:   true,
		Timestamps:    true,
		SACK:          true,
		AcceptECN:     AccurateECN,
		Recovery:      defaultLossPolicy(),
		R1:            3,
		R2:            15,
		SynRetries:    7,
		SynAckRetries: 5,
		OrphanRetries: 8,
		MaxProbe:      60 * time.Second,
		DelayedAck:    40 * time.Millisecond,
		QuickAcks:     16,
		MSL:           30 * time.Second,
		FinWait2:      60 * time.Second,
		RequireTS:     true,
		ReuseOnSYN:    true,
		AckInterval:   500 * time.Millisecond,
		SendBuffer:    Buffer{Initial: 256 << 10, Max: 4 << 20},
		ReceiveBuffer: Buffer{Initial: 128 << 10, Max: 6 << 20},
	}
}

// FreeBSD returns policies in the manner of FreeBSD: the first segment's ACK is
// delayed like any other and the first window is 65,535 octets.
func FreeBSD() Config {
	c := Linux()
	c.Recovery.MinRTO = 30 * time.Millisecond
	c.Recovery.MaxRTO = 64 * time.Second
	c.R2 = 12
	c.QuickAcks = 0
	c.AckSecond = true
	c.RepeatFIN = true
	c.ReuseOnSYN = false
	c.WholeBuffer = true
	c.ReceiveBuffer = Buffer{Initial: 65535, Max: 2 << 20}
	c.SendBuffer = Buffer{Initial: 32 << 10, Max: 2 << 20}
	return c
}

// An Opening holds what a new connection gets from outside: random numbers and
// what is known of the path.
type Opening struct {
	ISS      wire.Seq // initial sequence number: see ISN
	TSOffset uint32   // added to our timestamp clock, so that it tells nothing of other connections (RFC 7323 §7.1)
	// The interface has one MTU, so the smallest is the one (SHLD-6).
	// RecvMSS is the MSS option to send: the largest packet that can be
	// received less 20 octets of TCP header and the IP header (MUST-67).
	RecvMSS int
	// SendMSS is what the path carries: its MTU less the same headers.
	SendMSS int
	// DefaultMSS is taken for the peer's MSS if it sends none: 536 for IPv4,
	// 1220 for IPv6 (MUST-15).
	DefaultMSS int
	// Batch is the largest payload of one Segment when the device can cut it
	// into segments of MSS octets, or needs not; 0 or less than MSS: one segment at a time.
	Batch int
	// FastOpen says whether octets go with the SYN, or are taken from it (RFC 7413).
	FastOpen FastOpen
}
