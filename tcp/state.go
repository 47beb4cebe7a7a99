package tcp

// A State is a state of a connection (RFC 9293 §3.3.2). LISTEN is not among
// them: a listener is a row in somebody's table, not a connection.
type State uint8

// The states of RFC 9293 §3.3.2.
const (
	Closed State = iota
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWaiting
	states int = iota
)

var stateNames = [states]string{
	"CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
	"FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
}

// String returns the name that RFC 9293 gives the state.
func (s State) String() string { return stateNames[s] }

// set is a set of states.
type set uint16

func setOf(list ...State) (s set) {
	for _, x := range list {
		s |= 1 << x
	}
	return s
}

func (s set) has(x State) bool { return s&(1<<x) != 0 }

// transitions holds the state machine: from each state, those that may follow it
// (RFC 9293 §3.3.2, Figure 5). Every state may become CLOSED, by a reset, an
// abort or a timeout. A test checks every connection of the suite against it and
// draws docs/tcp-states.md from it.
var transitions = [states]set{
	Closed:      setOf(SynSent, SynReceived),
	SynSent:     setOf(SynReceived, Established, Closed),
	SynReceived: setOf(Established, FinWait1, Closed),
	Established: setOf(FinWait1, CloseWait, Closed),
	FinWait1:    setOf(FinWait2, Closing, TimeWaiting, Closed),
	FinWait2:    setOf(TimeWaiting, Closed),
	CloseWait:   setOf(LastAck, Closed),
	Closing:     setOf(TimeWaiting, Closed),
	LastAck:     setOf(Closed),
	TimeWaiting: setOf(Closed),
}

// Groups of states that a rule names together.
var (
	canReceive = setOf(Established, FinWait1, FinWait2)
	canSend    = setOf(SynSent, SynReceived, Established, CloseWait)
	sending    = setOf(SynReceived, Established, CloseWait, FinWait1, Closing, LastAck) // what was taken before still leaves; in the first, with Fast Open only
)

// setState is the one place where the state of a connection changes.
func (t *TCB) setState(s State) {
	if s != t.state && !transitions[t.state].has(s) {
		t.counts.Illegal++
	}
	t.state = s
	t.passed |= 1 << s
	if s == Closed {
		t.release()
	}
}
