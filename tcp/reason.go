package tcp

// A Reason says why a connection ended, or what a soft error was about. It is
// the error that Err returns; who gives programs sockets maps it to theirs.
type Reason uint8

// The reasons for which a connection ends. The zero Reason is no error.
const (
	_                         Reason = iota
	ReasonRefused                    // the peer answered our SYN with a reset
	ReasonReset                      // the peer reset the connection
	ReasonAborted                    // Abort was called, or Close with data unread (RFC 9293 §3.6.1)
	ReasonTimedOut                   // R2, the user timeout or the keep-alive probes ran out (RFC 9293 §3.8.3)
	ReasonHostUnreachable            // ICMP said so
	ReasonNetUnreachable             // ICMP said so
	ReasonPortUnreachable            // ICMP said so: nobody listens
	ReasonProtocolUnreachable        // ICMP said so
	ReasonProhibited                 // ICMP said that an administrator forbids it
	ReasonMessageTooBig              // ICMP asked for packets smaller than we send at all
	ReasonParameterProblem           // ICMP said that a header was wrong
	ReasonNoBuffer                   // the host is short of memory
	reasons                   int    = iota
)

var reasonTexts = [reasons]string{
	"no error", "connection refused", "connection reset by peer", "connection aborted",
	"connection timed out", "host unreachable", "network unreachable", "port unreachable",
	"protocol unreachable", "communication prohibited", "message too big", "parameter problem",
	"no buffer space",
}

// Error says the reason in words.
func (r Reason) Error() string { return reasonTexts[r] }
