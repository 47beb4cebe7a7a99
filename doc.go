// Package octet is TCP/IP for Go programs: a network stack in user space with
// sockets that are drop-in for package net.
//
// A Host is made by NewHost. It has a loopback interface and is reached through
// the devices that Attach gives it. Its Dial, DialContext, Listen and
// ListenPacket return a net.Conn, net.Listener or net.PacketConn, so net/http,
// crypto/tls and the like run over it unchanged, with the errors they know:
// *net.OpError around syscall.ECONNREFUSED, os.ErrDeadlineExceeded,
// net.ErrClosed, io.EOF. The operating system's own network stands behind the
// same interface, Network, by the name of System.
//
// Under the blocking types lies Socket, a non-blocking endpoint with readiness,
// for gateways, scripts and event loops.
//
// The package owns time, locks and waiting, and leaves the rules of the protocols
// to the packages below it. It has no goroutine of its own: what a packet causes
// is done by whoever brought it, and deadlines are events of a Timeline. (A Dial
// that tries two addresses side by side starts two, which end before it returns.)
// Programs wait in sync.Cond.Wait only, so the same stack runs in real time and
// inside a testing/synctest bubble.
package octet
