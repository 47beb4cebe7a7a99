package octet

import (
	"syscall"
	"testing"
	"time"
)

// The backlog is exact: as many connections as it says are ready for Accept, and
// one more waits for a place as long as its SYN is repeated.
func TestBacklogIsExact(t *testing.T) {
	for _, backlog := range []int{1, 2, 5} {
		line, h := manual(t)
		l := listening(t, h, "127.0.0.1:80", backlog)
		var clients []*Socket
		for range backlog + 3 {
			clients = append(clients, connecting(t, h, "127.0.0.1:80"))
		}
		established := 0
		for _, c := range clients {
			if c.Ready().Has(CanWrite) {
				established++
			}
		}
		if established != backlog {
			t.Errorf("backlog %d: %d connections are established", backlog, established)
		}
		if n := h.Stats().Drops[DropBacklog]; n == 0 {
			t.Errorf("backlog %d: no SYN was dropped", backlog)
		}
		for i := range clients { // each Accept makes room for a SYN that comes again
			if _, err := l.Accept(); err != nil {
				t.Fatalf("backlog %d: accept %d: %v", backlog, i, err)
			}
			line.Advance(line.Now().Add(time.Minute))
		}
		if _, err := l.Accept(); err != syscall.EAGAIN {
			t.Errorf("backlog %d: one connection too many: %v", backlog, err)
		}
	}
}

func TestListenerCloseResetsWhoWasNotAccepted(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 5)
	var clients []*Socket
	for range 5 {
		clients = append(clients, connecting(t, h, "127.0.0.1:80"))
	}
	first := accepted(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i, c := range clients {
		err := c.Error()
		if i == 0 && err != nil || i > 0 && err != syscall.ECONNRESET {
			t.Errorf("client %d: %v", i, err)
		}
	}
	if _, err := first.Send([]byte("x")); err != nil {
		t.Errorf("the accepted connection: %v", err)
	}
	if err := connecting(t, h, "127.0.0.1:80").Error(); err != syscall.ECONNREFUSED {
		t.Errorf("connect afterwards: %v, want ECONNREFUSED", err)
	}
}

// A connection that is reset before Accept is accepted, and fails then: the program
// learns that somebody was there.
func TestAcceptOfAResetConnection(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 5)
	connecting(t, h, "127.0.0.1:80").Abort()
	s := accepted(t, l)
	if _, err := s.Recv(make([]byte, 1)); err != syscall.ECONNRESET {
		t.Errorf("recv: %v, want ECONNRESET", err)
	}
}

func TestAcceptedInheritOptions(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 1)
	if err := l.SetHopLimit(7); err != nil {
		t.Fatal(err)
	}
	connecting(t, h, "127.0.0.1:80")
	if s := accepted(t, l); s.options.hopLimit != 7 {
		t.Errorf("hop limit %d, want that of the listener", s.options.hopLimit)
	}
}
