package packetdrill

import (
	"testing"

	"github.com/octet-net/octet"
)

// accepted opens a connection from the far end whose MSS is 1000, without options
// that change the numbers.
const accepted = `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 65535 <mss 1000>
+0.00 > S. 0:0(0) ack 1 <mss 1460>
+0.01 <  . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
+0.00 fcntl(4, F_SETFL, O_RDWR | O_NONBLOCK) = 0
`

// shows runs a script that shows a rule, on the default profile.
func shows(t *testing.T, script string) {
	t.Helper()
	showsWith(t, octet.Linux(), script)
}

func showsWith(t *testing.T, p octet.Profile, script string) {
	t.Helper()
	if r := runText(t, script, p); r.Err != nil {
		t.Error(r.Err)
	}
}

// "The sender MUST generate it" (the checksum), for IPv4 and IPv6: the runner
// verifies that of every packet that the host sends and fails on a wrong one.
func TestRFC9293_MUST2_ChecksumIsSent(t *testing.T) {
	shows(t, accepted+`+0.00 write(4, ..., 999) = 999
+0.00 > P. 1:1000(999) ack 1`)
	shows(t, `--ip_version=ipv6
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.00 > S 0:0(0) <mss 1440,sackOK,TS val 1 ecr 0,nop,wscale 7>`)
}

// "TCP endpoints MUST implement both sending and receiving the MSS Option."
func TestRFC9293_MUST14_MSSIsSentAndObeyed(t *testing.T) {
	shows(t, `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 65535 <mss 700>
+0.00 > S. 0:0(0) ack 1 <mss 1460>
+0.01 <  . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
+0.00 write(4, ..., 1000) = 1000
+0.00 >  . 1:701(700) ack 1
+0.00 > P. 701:1001(300) ack 1`)
}

// "TCP implementations SHOULD send an MSS Option in every SYN segment when its
// receive MSS differs from the default", and MAY always.
func TestRFC9293_SHLD5_MSSInEverySYN(t *testing.T) {
	shows(t, `--mtu=576
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.00 > S 0:0(0) <mss 536,sackOK,TS val 1 ecr 0,nop,wscale 7>
+1.00 > S 0:0(0) <mss 536,sackOK,TS val 1001 ecr 0,nop,wscale 7>`)
}

// The MSS option is sent also where it says what is assumed without it.
func TestRFC9293_MAY3_MSSIsSentAlways(t *testing.T) {
	TestRFC9293_SHLD5_MSSInEverySYN(t)
}

// "when the effective MTU of an interface varies packet-to-packet, TCP
// implementations SHOULD use the smallest effective MTU": the MTU of the
// interface is the only one there is, and the option follows it.
func TestRFC9293_SHLD6_MSSFollowsTheMTU(t *testing.T) {
	for _, c := range []struct{ mtu, mss string }{{"1500", "1460"}, {"9000", "8960"}, {"1280", "1240"}} {
		shows(t, "--mtu="+c.mtu+`
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.00 > S 0:0(0) <mss `+c.mss+`,sackOK,TS val 1 ecr 0,nop,wscale 7>`)
	}
}

// "A TCP implementation MUST be able to receive a TCP Option in any segment."
func TestRFC9293_MUST5_OptionsInAnySegment(t *testing.T) {
	shows(t, accepted+`+0.00 < P. 1:11(10) ack 1 win 65535 <nop,mss 5,gen 200 0102>
+0.00 > . 1:1(0) ack 11
+0.00 < F. 11:11(0) ack 1 win 65535 <nop,nop,sackOK,eol>
+0.00 > . 1:1(0) ack 12`)
}

// "A TCP implementation MUST (MUST-6) ignore without error any TCP Option it does not implement".
func TestRFC9293_MUST6_UnknownOptionsAreSkipped(t *testing.T) {
	shows(t, `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 65535 <gen 77 010203,mss 1000,gen 253 ff>
+0.00 > S. 0:0(0) ack 1 <mss 1460>
+0.01 <  . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
+0.00 write(4, ..., 1500) = 1500
+0.00 >  . 1:1001(1000) ack 1
+0.00 > P. 1001:1501(500) ack 1`)
}

// "TCP implementations MUST be prepared to handle options even if they do not begin on a word boundary."
func TestRFC9293_MUST64_OptionsAtAnyOctet(t *testing.T) {
	shows(t, `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 65535 <nop,wscale 3,mss 600,nop,nop,nop,sackOK>
+0.00 > S. 0:0(0) ack 1 <mss 1460,sackOK,wscale 7>
+0.01 <  . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
+0.00 write(4, ..., 700) = 700
+0.00 >  . 1:601(600) ack 1
+0.00 > P. 601:701(100) ack 1`)
}

// "RFC 1122 ... a host MUST be able to receive": a RST with text is a RST.
func TestRFC9293_SHLD2_ResetMayCarryText(t *testing.T) {
	shows(t, accepted+`+0.00 < R. 1:21(20) ack 1 win 0
+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0`)
}

// "such a host ... its TCP implementation SHOULD send a RST to show that data was lost."
func TestRFC9293_SHLD3_UnreadDataIsLostAloud(t *testing.T) {
	shows(t, accepted+`+0.00 < P. 1:11(10) ack 1 win 65535
+0.00 > . 1:1(0) ack 11
+0.00 close(4) = 0
+0.00 > R. 1:1(0) ack 11`)
}

// A host may forbid reading after close: what comes then is answered by RST (MAY-1).
func TestRFC9293_MAY1_CloseEndsReading(t *testing.T) {
	shows(t, accepted+`+0.00 close(4) = 0
+0.00 > F. 1:1(0) ack 1
+0.01 < P. 1:11(10) ack 2 win 65535
+0.00 > R. 2:2(0) ack 1`)
}

// "A TCP implementation SHOULD implement the Nagle algorithm", here switched on.
func TestRFC9293_SHLD7_NagleHoldsSmallSegments(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_TCP, TCP_NODELAY, [0], 4) = 0
+0.00 write(4, ..., 10) = 10
+0.00 > P. 1:11(10) ack 1
+0.00 write(4, ..., 10) = 10
+0.00 write(4, ..., 10) = 10
+0.05 < . 1:1(0) ack 11 win 65535
+0.00 > P. 11:31(20) ack 1`)
}

// "there MUST be a way for an application to disable the Nagle algorithm": octet's
// default, as in Go.
func TestRFC9293_MUST17_NagleIsOff(t *testing.T) {
	shows(t, accepted+`+0.00 write(4, ..., 10) = 10
+0.00 > P. 1:11(10) ack 1
+0.00 write(4, ..., 10) = 10
+0.00 > P. 11:21(10) ack 1`)
}

// "keep-alives ... the application MUST be able to turn them on or off for each
// TCP connection", and a keep-alive segment SHOULD have no data.
func TestRFC9293_MUST24_KeepAliveOnOneConnection(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0.00 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [60], 4) = 0
+0.00 setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [10], 4) = 0
+60.0 > . 0:0(0) ack 1
+0.01 < . 1:1(0) ack 1 win 65535
+0.00 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [0], 4) = 0
+7200 write(4, ..., 1) = 1
+0.00 > P. 1:2(1) ack 1`)
}

// The probe has no data: SEG.SEQ = SND.NXT-1 and no octet (SHLD-12).
func TestRFC9293_SHLD12_KeepAliveHasNoData(t *testing.T) {
	TestRFC9293_MUST24_KeepAliveOnOneConnection(t)
}

// Keep-alives "are included" (MAY-5).
func TestRFC9293_MAY5_KeepAlives(t *testing.T) {
	TestRFC9293_MUST24_KeepAliveOnOneConnection(t)
}

// The interval "MUST default to no less than two hours".
func TestRFC9293_MUST28_KeepAliveAfterTwoHours(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+7200 > . 0:0(0) ack 1`)
}

// "it MUST NOT interpret failure to respond to any specific probe as a dead connection."
func TestRFC9293_MUST29_OneUnansweredProbeIsNoDeath(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0.00 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [60], 4) = 0
+0.00 setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [10], 4) = 0
+60.0 > . 0:0(0) ack 1
+10.0 > . 0:0(0) ack 1
+10.0 > . 0:0(0) ack 1
+0.01 < . 1:1(0) ack 1 win 65535
+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+60.0 > . 0:0(0) ack 1`)
}

// "TCP implementations MUST still include support for the urgent mechanism":
// octets sent as urgent are announced by the pointer to the octet after them.
func TestRFC9293_MUST30_UrgentIsSent(t *testing.T) {
	shows(t, accepted+`+0.00 send(4, ..., 5, MSG_OOB) = 5
+0.00 > PU. 1:6(5) ack 1 urg 5`)
}

// "A TCP implementation MUST support a sequence of urgent data of any length."
func TestRFC9293_MUST31_UrgentOfAnyLength(t *testing.T) {
	shows(t, accepted+`+0.00 send(4, ..., 1, MSG_OOB) = 1
+0.00 > PU. 1:2(1) ack 1 urg 1
+0.00 send(4, ..., 2500, MSG_OOB) = 2500
+0.00 > U. 2:1002(1000) ack 1 urg 2500
+0.00 > U. 1002:2002(1000) ack 1 urg 1500
+0.00 > PU. 2002:2502(500) ack 1 urg 500
+0.01 < . 1:1(0) ack 2502 win 65535
+0.00 < PU. 1:1001(1000) ack 2502 win 65535 urg 1000
+0.00 recv(4, ..., 2000, 0) = 1000`)
}

// "the sending TCP peer SHOULD NOT send new data" into a window that shrank, "but
// SHOULD retransmit normally the old unacknowledged data" inside it.
func TestRFC9293_SHLD15_NoNewDataIntoAShrunkenWindow(t *testing.T) {
	shows(t, accepted+`+0.00 write(4, ..., 2000) = 2000
+0.00 >  . 1:1001(1000) ack 1
+0.00 > P. 1001:2001(1000) ack 1
+0.01 < . 1:1(0) ack 1 win 1000
+0.00 write(4, ..., 500) = 500
+0.00~+0.40 > . 1:1001(1000) ack 1
+0.01 < . 1:1(0) ack 1001 win 65535
* > P. 2001:2501(500) ack 1`)
}

// "The transmitting host SHOULD send the first zero-window probe when a zero window
// has existed for the retransmission timeout period, and SHOULD increase
// exponentially the interval between successive probes." "Probing MUST be supported".
func TestRFC9293_SHLD29_ProbesOfAZeroWindow(t *testing.T) {
	shows(t, accepted+`+0.00 write(4, ..., 1000) = 1000
+0.00 > P. 1:1001(1000) ack 1
+0.01 < . 1:1(0) ack 1001 win 0
+0.00 write(4, ..., 1000) = 1000
+0.19~+0.25 > . 1001:1002(1) ack 1
+0.01 < . 1:1(0) ack 1001 win 0
+0.35~+0.45 > . 1001:1002(1) ack 1
+0.01 < . 1:1(0) ack 1001 win 0
+0.75~+0.85 > . 1001:1002(1) ack 1
+0.01 < . 1:1(0) ack 1001 win 65535
+0.00 > P. 1001:2001(1000) ack 1`)
}

// The intervals of the probes double.
func TestRFC9293_SHLD30_ProbesGrowRarer(t *testing.T) { TestRFC9293_SHLD29_ProbesOfAZeroWindow(t) }

// "A TCP endpoint SHOULD implement a delayed ACK": alone, a segment waits.
func TestRFC9293_SHLD18_AckIsDelayed(t *testing.T) {
	showsWith(t, octet.FreeBSD(), accepted+`+0.00 < P. 1:1001(1000) ack 1 win 65535
+0.04 > . 1:1(0) ack 1001`)
}

// "An ACK SHOULD be generated for at least every second full-sized segment."
func TestRFC9293_SHLD19_EverySecondSegment(t *testing.T) {
	showsWith(t, octet.FreeBSD(), accepted+`+0.00 <  . 1:1001(1000) ack 1 win 65535
+0.00 < P. 1001:2001(1000) ack 1 win 65535
+0.00 > . 1:1(0) ack 2001`)
}

// Several segments that come at once are acknowledged together: "MUST
// (MUST-58) aggregate ACK segments whenever possible".
func TestRFC9293_MUST58_AcksAreAggregated(t *testing.T) {
	showsWith(t, octet.FreeBSD(), accepted+`+0.00 <  . 1:101(100) ack 1 win 65535
+0.00 write(4, ..., 10) = 10
+0.00 > P. 1:11(10) ack 101
+0.01 <  . 101:101(0) ack 11 win 65535
+0.01 <  . 101:201(100) ack 11 win 65535
+0.04 >  . 11:11(0) ack 201`)
}

// A segment inside the window but not at its edge is acknowledged at once (MAY-13).
func TestRFC9293_MAY13_EarlySegmentIsAcknowledged(t *testing.T) {
	showsWith(t, octet.FreeBSD(), accepted+`+0.00 < . 1001:1101(100) ack 1 win 65535
+0.00 > . 1:1(0) ack 1`)
}

// "The application layer MUST be able to specify the Differentiated Services
// field", to change it (SHLD-21), and it is passed on unchanged (SHLD-22).
func TestRFC9293_MUST48_DifferentiatedServices(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_IP, IP_TOS, [0x28], 4) = 0
+0.00 write(4, ..., 10) = 10
+0.00 > (tos 0x28) P. 1:11(10) ack 1
+0.00 setsockopt(4, SOL_IP, IP_TOS, [IPTOS_DSCP_EF], 4) = 0
+0.00 write(4, ..., 10) = 10
+0.00 > (tos 0xb8) P. 11:21(10) ack 1`)
}

// The field changes while the connection lives.
func TestRFC9293_SHLD21_DifferentiatedServicesChange(t *testing.T) {
	TestRFC9293_MUST48_DifferentiatedServices(t)
}

// What the packet carries is what the program gave.
func TestRFC9293_SHLD22_DifferentiatedServicesUnchanged(t *testing.T) {
	TestRFC9293_MUST48_DifferentiatedServices(t)
}

// "The TTL value used to send TCP segments MUST be configurable."
func TestRFC9293_MUST49_TimeToLive(t *testing.T) {
	shows(t, accepted+`+0.00 setsockopt(4, SOL_IP, IP_TTL, [7], 4) = 0
+0.00 write(4, ..., 10) = 10
+0.00 > (ttl 7) P. 1:11(10) ack 1`)
	p := octet.Linux()
	p.HopLimit = 33
	showsWith(t, p, accepted+`+0.00 write(4, ..., 10) = 10
+0.00 > (ttl 33) P. 1:11(10) ack 1`)
}

// "TCP implementations MUST act on an ICMP error message passed up from the IP
// layer, directing it to the connection that created the error."
func TestRFC9293_MUST54_ICMPReachesTheConnection(t *testing.T) {
	shows(t, `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.00 > S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>
+0.01 < icmp unreachable port_unreachable [0:0(0)]
+0.00 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`)
}

// "MUST silently discard any received ICMP Source Quench messages."
func TestRFC9293_MUST55_SourceQuenchIsDropped(t *testing.T) {
	shows(t, accepted+`+0.00 write(4, ..., 2000) = 2000
+0.00 >  . 1:1001(1000) ack 1
+0.00 > P. 1001:2001(1000) ack 1
+0.00 < icmp source_quench [1:1001(1000)]
+0.00 write(4, ..., 1000) = 1000
+0.00 > P. 2001:3001(1000) ack 1
+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0`)
}

// "Since these Unreachable messages indicate soft error conditions, a TCP
// implementation MUST NOT abort the connection."
func TestRFC9293_MUST56_SoftErrorsDoNotAbort(t *testing.T) {
	for _, m := range []string{
		"unreachable net_unreachable", "unreachable host_unreachable", "unreachable source_route_failed",
		"time_exceeded ttl_exceeded_in_transit", "time_exceeded fragment_reassembly", "parameter_problem",
	} {
		shows(t, accepted+`+0.00 write(4, ..., 1000) = 1000
+0.00 > P. 1:1001(1000) ack 1
+0.00 < icmp `+m+` [1:1001(1000)]
+0.00 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0.01 < . 1:1(0) ack 1001 win 65535
+0.00 write(4, ..., 10) = 10
+0.00 > P. 1001:1011(10) ack 1`)
	}
}

// "TCP ... SHOULD collapse successive [PSH] bits when it packetizes data, to send
// the largest possible segment", and what was written piece by piece leaves in
// maximum-sized segments (SHLD-28); data may be aggregated (MAY-16).
func TestRFC9293_SHLD27_WritesAreCollapsed(t *testing.T) {
	shows(t, `
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S  0:0(0) win 0 <mss 1000>
+0.00 > S. 0:0(0) ack 1 <mss 1460>
+0.01 <  . 1:1(0) ack 1 win 0
+0.00 accept(3, ..., ...) = 4
+0.00 write(4, ..., 700) = 700
+0.00 write(4, ..., 700) = 700
+0.00 write(4, ..., 700) = 700
+0.01 < . 1:1(0) ack 1 win 65535
+0.00 >  . 1:1001(1000) ack 1
+0.00 >  . 1001:2001(1000) ack 1
+0.00 > P. 2001:2101(100) ack 1`)
}

// Full segments whenever there is enough to fill them.
func TestRFC9293_SHLD28_MaximumSizedSegments(t *testing.T) { TestRFC9293_SHLD27_WritesAreCollapsed(t) }

// What several sends left behind goes out together.
func TestRFC9293_MAY16_SendsAreAggregated(t *testing.T) { TestRFC9293_SHLD27_WritesAreCollapsed(t) }

// "A TCP implementation MAY keep its offered receive window closed indefinitely"
// while the program does not read, and goes on answering probes.
func TestRFC9293_MAY8_ReceiverKeepsTheWindowClosed(t *testing.T) {
	p := octet.Linux()
	p.TCP.WindowScale = false
	p.TCP.ReceiveBuffer.Initial, p.TCP.ReceiveBuffer.Max = 2000, 2000
	showsWith(t, p, accepted+`+0.00 <  . 1:1001(1000) ack 1 win 65535
+0.00 > . 1:1(0) ack 1001
+0.00 < P. 1001:2001(1000) ack 1 win 65535
+0.00 > . 1:1(0) ack 2001 win 0
+3600 <  . 2001:2002(1) ack 1 win 65535
+0.00 > . 1:1(0) ack 2001 win 0
+0.00 recv(4, ..., 2000, 0) = 2000
+0.00 > . 1:1(0) ack 2001 win 2000`)
}

// "MUST add an input check that the ACK value is acceptable": far too old or never
// sent, it is challenged and its text is thrown away (MAY-12, RFC 5961 §5).
func TestRFC9293_MAY12_BlindDataIsChallenged(t *testing.T) {
	shows(t, accepted+`+0.00 < P. 1:11(10) ack 5000 win 65535
+0.00 > . 1:1(0) ack 1
+0.00 recv(4, ..., 100, 0) = -1 EAGAIN (Resource temporarily unavailable)
+0.60 < P. 1:11(10) ack 4294800000 win 65535
+0.00 > . 1:1(0) ack 1
+0.00 recv(4, ..., 100, 0) = -1 EAGAIN (Resource temporarily unavailable)`)
}

// A connection may be reopened from TIME-WAIT by a SYN beyond everything before (MAY-2).
func TestRFC9293_MAY2_SYNReopensFromTimeWait(t *testing.T) {
	shows(t, accepted+`+0.00 close(4) = 0
+0.00 > F. 1:1(0) ack 1
+0.01 < F. 1:1(0) ack 2 win 65535
+0.00 > . 2:2(0) ack 2
+1.00 < S 100000:100000(0) win 65535 <mss 1000>
+0.00 > S. 0:0(0) ack 100001 <mss 1460>
+0.01 < . 100001:100001(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 5`)
}
