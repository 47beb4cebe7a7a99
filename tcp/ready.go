package tcp

// Ready tells which calls would do something now.
type Ready uint16

// The bits of Ready.
const (
	Connected   Ready = 1 << iota // the handshake is done (also when it ended since), or Fast Open does not wait for it (RFC 7413)
	Readable                      // Receive has octets
	Writable                      // Send takes octets
	ReadClosed                    // after the octets that are Readable there are no more: end of file
	WriteClosed                   // Send takes nothing any more
	Dead                          // the state is CLOSED; Err says why
	HasUrgent                     // urgent data is ahead (RFC 9293 §3.8.5, MUST-32)
	Doubtful                      // R1 timeouts passed: the path should be checked (RFC 9293 §3.8.3, MUST-20)
)

// Ready returns what the user can do. It changes only during other calls.
func (t *TCB) Ready() Ready {
	var r Ready
	set := func(bit Ready, on bool) {
		if on {
			r |= bit
		}
	}
	connected := t.passed.has(Established) || t.ahead()
	set(Connected, connected)
	set(Readable, t.rcv.queue.n > 0)
	set(Writable, connected && canSend.has(t.state) && !t.snd.fin && t.snd.queue.len() < t.snd.limit)
	set(ReadClosed, t.rcv.gotFIN || t.rcv.closed || t.state == Closed)
	set(WriteClosed, t.snd.fin || !canSend.has(t.state))
	set(Dead, t.state == Closed)
	set(HasUrgent, t.rcv.urgent)
	set(Doubtful, int(t.timers.silent) >= max(t.cfg.R1, 1))
	return r
}
