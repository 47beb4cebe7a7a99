package tcp

import "testing"

// RFC 9293 §3.5, Figure 6: the basic three-way handshake.
func TestRFC9293_ThreeWayHandshake(t *testing.T) {
	s := newStory(t).active().out("S 0").is(SynSent)
	s.in("SA 0 ack 1 win 1000 <mss 1000>").out("A 1 ack 1").quiet().is(Established).ready(Connected, Dead)
	s = newStory(t).passive("S 0 <mss 1000>").out("SA 0 ack 1 <mss 1460>").is(SynReceived).ready(0, Connected)
	s.in("A 1 ack 1").quiet().is(Established).ready(Connected|Writable, Readable)
}
