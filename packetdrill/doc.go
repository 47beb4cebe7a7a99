// Package packetdrill runs packet scripts against a host of octet in virtual time.
//
// A script is a conversation seen from one host: the calls that a program makes
// on its sockets, the packets that the test puts on the wire (<) and the packets
// that the host must answer with (>), each at its time. The language is that of
// packetdrill (Cardwell et al., USENIX ATC 2013) as its two families, Linux and
// FreeBSD, write it:
//
//	--ip_version=ipv4
//	--tolerance_usecs=10000
//	 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//	+0.00 bind(3, ..., ...) = 0
//	+0.00 listen(3, 1) = 0
//	+0.00 < S  0:0(0) win 65535 <mss 1460>
//	+0.00 > S. 0:0(0) ack 1 <...>
//	+0.01 <  . 1:1(0) ack 1 win 65535
//	+0.00 accept(3, ..., ...) = 4
//
// Times are absolute seconds, +relative to the event before, ranges (a~b), or *
// for any time; a call written as a...b blocks from a to b. Sequence numbers are
// relative to the first one seen in their direction, timestamps are mapped, and
// options are compared as a set.
//
// What it refuses: shell commands are not run. A `sysctl` that sets a policy of
// TCP is mapped to the host's profile, the others have no effect.
package packetdrill
