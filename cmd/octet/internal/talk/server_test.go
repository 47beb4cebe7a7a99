package talk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

func dial(t *testing.T, h *octet.Host) net.Conn {
	t.Helper()
	conn, err := h.Dial("tcp", "localhost:6789")
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// The answer goes out with the end of the stream, and a client that never ends its
// own is left after a while.
func TestServerAnswersAndReadsOn(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		wait, out, _ := running(t, t.Context(), &Server{Net: h, At: at(t, "tcp://localhost:6789"), Answer: true, Reply: []byte("answer"), Count: 1})
		conn := dial(t, h)
		defer conn.Close()
		for _, s := range []string{"one", "two"} {
			if _, err := conn.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if answer, err := io.ReadAll(conn); err != nil || string(answer) != "answer" {
			t.Errorf("answer %q, %v", answer, err)
		}
		begun := time.Now()
		if err := wait(); err != nil {
			t.Error(err)
		}
		elapsed(t, begun, lingerTime)
		if s := out.String(); !strings.Contains(s, "said b'one'") || !strings.Contains(s, "said b'two'") {
			t.Errorf("server %q", s)
		}
	})
}

// A connection that breaks off concerns no other, but what it saved is incomplete.
func TestServerAndAReset(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "tcp://localhost:6789")
		reset := func() {
			conn := dial(t, h)
			if _, err := conn.Write([]byte("half")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if err := conn.(*octet.TCPConn).SetLinger(0); err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
		s := &Server{Net: h, At: to, Echo: true, Count: 2}
		wait, _, notes := running(t, t.Context(), s)
		reset()
		c, answer := client(h, to)
		if err := c.Converse(t.Context(), strings.NewReader("Hello")); err != nil || answer.String() != "Hello" {
			t.Errorf("the next client: %q, %v", answer, err)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(notes.String(), "connection reset by peer") {
			t.Errorf("notes %q", notes)
		}
		if got := s.Summary(); got.Connections != 2 || got.Received != 9 {
			t.Errorf("summary %+v", got)
		}
		var saved bytes.Buffer
		wait, _, _ = running(t, t.Context(), &Server{Net: h, At: to, Save: &saved, Count: 1})
		reset()
		err := wait()
		wantCode(t, err, outcome.Refused)
		if err == nil || !strings.Contains(err.Error(), "broke off after 4 octets") {
			t.Errorf("error %v", err)
		}
	})
}

// What cannot be saved or printed ends the server.
func TestServerCannotWrite(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		inBubble(t, func(t *testing.T, h *octet.Host) {
			wait, _, _ := running(t, t.Context(), &Server{Net: h, At: at(t, network+"://localhost:6789"), Save: failing{}})
			conn, err := h.Dial(network, "localhost:6789")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			err = wait()
			wantCode(t, err, outcome.Usage)
			if !errors.Is(err, errOdd) {
				t.Errorf("%s: error %v", network, err)
			}
		})
	}
}

func TestServerIsInterrupted(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		inBubble(t, func(t *testing.T, h *octet.Host) {
			ctx, cancel := context.WithCancel(t.Context())
			wait, _, _ := running(t, ctx, &Server{Net: h, At: at(t, network+"://localhost:6789")})
			conn, err := h.Dial(network, "localhost:6789")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			time.Sleep(time.Second)
			cancel()
			if err := wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", network, err)
			}
		})
	}
}

func TestServerCannotListen(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		for _, network := range []string{"tcp", "udp"} {
			ctx, cancel := context.WithCancel(t.Context())
			e := at(t, network+"://localhost:6789")
			wait, _, _ := running(t, ctx, &Server{Net: h, At: e})
			err := (&Server{Net: h, At: e}).Run(t.Context())
			wantCode(t, err, outcome.Usage)
			if !errors.Is(err, syscall.EADDRINUSE) && (err == nil || !strings.Contains(err.Error(), "address already in use")) {
				t.Errorf("%s: %v", network, err)
			}
			cancel()
			wait()
		}
	})
}

// failingListener fails some times before it accepts.
type failingListener struct {
	net.Listener
	left int
	conn net.Conn
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, syscall.EMFILE
	}
	return l.conn, nil
}

func TestAcceptWaitsOutWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		defer a.Close()
		if conn, err := accept(t.Context(), &failingListener{left: acceptTries - 1, conn: a}); conn != a || err != nil {
			t.Errorf("after some failures: %v, %v", conn, err)
		}
		if _, err := accept(t.Context(), &failingListener{left: acceptTries, conn: a}); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("after many: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := accept(ctx, &failingListener{left: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("when interrupted: %v", err)
		}
	})
}
