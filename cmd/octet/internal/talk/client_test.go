package talk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

func TestAsk(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "udp://localhost:6789")
		wait, out, _ := running(t, t.Context(), &Server{Net: h, At: to, Answer: true, Reply: []byte("Are you talking to me?"), Count: 1})
		c, answer := client(h, to)
		if err := c.Ask(t.Context(), []byte("Hello")); err != nil {
			t.Fatal(err)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		if answer.String() != "Are you talking to me?" || !strings.Contains(out.String(), "said b'Hello'\n") {
			t.Errorf("answer %q, server %q", answer, out)
		}
		if s := c.Summary(); s.Sent != 5 || s.Received != 22 || s.String() != "sent 5 octets, received 22" {
			t.Errorf("summary %+v", s)
		}
	})
}

// A name may stand for an address at which nobody listens and for one with a server.
func TestAskTriesEveryAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		wait, _, _ := running(t, t.Context(), &Server{Net: h, At: at(t, "udp4://127.0.0.1:6789"), Echo: true, Count: 1})
		c, answer := client(h, at(t, "udp://twin:6789"))
		if err := c.Ask(t.Context(), []byte("Hello")); err != nil || answer.String() != "Hello" {
			t.Errorf("answer %q, %v", answer, err)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		c, _ = client(h, at(t, "udp://twin:6790"))
		wantCode(t, c.Ask(t.Context(), nil), outcome.Refused)
	})
}

func TestAskWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "udp://localhost:6789")
		wait, _, _ := running(t, t.Context(), &Server{Net: h, At: to, Count: 4}) // it never answers
		for _, limit := range []struct{ given, want time.Duration }{{0, answerWait}, {time.Minute, time.Minute}} {
			c, _ := client(h, to)
			c.Wait = limit.given
			begun := time.Now()
			wantCode(t, c.Ask(t.Context(), nil), outcome.Timeout)
			elapsed(t, begun, limit.want)
		}
		c, _ := client(h, to)
		c.QuitOnEOF = true
		begun := time.Now()
		wantCode(t, c.Ask(t.Context(), nil), outcome.Yes)
		elapsed(t, begun, 0)
		c, _ = client(h, to)
		c.Forever = true
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, nil)
		defer cancel()
		if err := c.Ask(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a limit: %v", err)
		}
		elapsed(t, begun, time.Hour)
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// With Hold a client goes on listening after the first answer, until it is silent.
func TestAskHolds(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		pc, err := h.ListenPacket("udp", "localhost:6789")
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		go func() {
			_, from, err := pc.ReadFrom(make([]byte, 10))
			for _, s := range []string{"one ", "two ", "three"} {
				if err == nil {
					_, err = pc.WriteTo([]byte(s), from)
				}
				time.Sleep(time.Second)
			}
			if err != nil {
				t.Error(err)
			}
		}()
		c, answer := client(h, at(t, "udp://localhost:6789"))
		c.Hold = true
		if err := c.Ask(t.Context(), nil); err != nil || answer.String() != "one two three" {
			t.Errorf("answer %q, %v", answer, err)
		}
	})
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// More than any buffer holds goes both ways at once: who only sent would hang.
func TestConverseBothWaysAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "tcp://localhost:6789")
		wait, _, _ := running(t, t.Context(), &Server{Net: h, At: to, Echo: true, Count: 1, Save: io.Discard})
		c, answer := client(h, to)
		data := random(20 << 20)
		if err := c.Converse(t.Context(), bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		if s := c.Summary(); !bytes.Equal(answer.Bytes(), data) || s.SentSum != s.GotSum || s.Sent != int64(len(data)) {
			t.Errorf("%d of %d octets came back, %+v", answer.Len(), len(data), s)
		}
	})
}

// The end of the input ends our stream, unless told otherwise; reading goes on.
func TestConverseEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Client)
		ended  time.Duration // when the server saw the end of our stream
		answer string        // which comes a second later
		code   outcome.Code
		took   time.Duration
	}{
		"half":  {func(*Client) {}, 0, "answer", outcome.Yes, time.Second},
		"quit":  {func(c *Client) { c.QuitOnEOF = true }, 0, "", outcome.Yes, 0},
		"hold":  {func(c *Client) { c.Hold = true; c.Wait = 30 * time.Second }, 30 * time.Second, "", outcome.Timeout, 30 * time.Second},
		"waits": {func(c *Client) { c.Wait = 500 * time.Millisecond }, 0, "", outcome.Timeout, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *octet.Host) {
				ended := answerLater(t, h)
				cl, answer := client(h, at(t, "tcp://localhost:6789"))
				c.change(cl)
				begun := time.Now()
				wantCode(t, cl.Converse(t.Context(), strings.NewReader("told")), c.code)
				elapsed(t, begun, c.took)
				if answer.String() != c.answer {
					t.Errorf("answer %q, want %q", answer, c.answer)
				}
				if got := (<-ended).Sub(begun).Round(10 * time.Millisecond); got != c.ended {
					t.Errorf("the server saw the end of the stream after %v, want %v", got, c.ended)
				}
				<-ended
			})
		})
	}
}

// answerLater starts a server that answers a second after the end of what it is
// told, and tells when that end was. At its own end it closes the channel.
func answerLater(t *testing.T, h *octet.Host) (ended chan time.Time) {
	l, err := h.Listen("tcp", "localhost:6789")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan time.Time, 1)
	go func() {
		defer close(ended)
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err = io.ReadAll(conn); err != nil {
			t.Error(err)
		}
		ended <- time.Now()
		time.Sleep(time.Second)
		conn.Write([]byte("answer")) // or the client has gone
	}()
	return ended
}

// With datagrams each read is one, silence after an answer is their end, and
// silence without one a failure.
func TestConverseDatagrams(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "udp://localhost:6789")
		wait, out, _ := running(t, t.Context(), &Server{Net: h, At: to, Echo: true, Count: 2})
		c, answer := client(h, to)
		c.Wait = time.Second
		in := io.MultiReader(strings.NewReader("one\n"), strings.NewReader("two\n"))
		if err := c.Converse(t.Context(), in); err != nil || answer.String() != "one\ntwo\n" {
			t.Errorf("answer %q, %v", answer, err)
		}
		if err := wait(); err != nil || strings.Count(out.String(), "said b'") != 2 {
			t.Errorf("server %q, %v", out, err)
		}
		wait, _, _ = running(t, t.Context(), &Server{Net: h, At: to, Count: 1})
		c, _ = client(h, to)
		c.Wait = time.Second
		wantCode(t, c.Converse(t.Context(), strings.NewReader("one")), outcome.Timeout)
		if err := wait(); err != nil {
			t.Error(err)
		}
		c, _ = client(h, to)
		c.Wait = time.Second
		wantCode(t, c.Converse(t.Context(), strings.NewReader("one")), outcome.Refused)
	})
}

// An interrupt ends a client that waits for its input and for an answer.
func TestConverseIsInterrupted(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "tcp://localhost:6789")
		ctx, cancel := context.WithCancel(t.Context())
		wait, _, _ := running(t, ctx, &Server{Net: h, At: to, Echo: true})
		c, _ := client(h, to)
		in, _ := net.Pipe()
		time.AfterFunc(time.Minute, cancel)
		if err := c.Converse(ctx, in); !errors.Is(err, context.Canceled) {
			t.Errorf("client: %v", err)
		}
		if err := wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("server: %v", err)
		}
		in.Close() // the read that was given up
	})
}

func TestConverseFails(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		to := at(t, "tcp://localhost:6789")
		c, _ := client(h, to)
		wantCode(t, c.Converse(t.Context(), strings.NewReader("x")), outcome.Refused)
		wait, _, _ := running(t, t.Context(), &Server{Net: h, At: to, Echo: true, Count: 1})
		c, _ = client(h, to)
		broken := io.MultiReader(strings.NewReader("x"), failing{})
		if err := c.Converse(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "cannot read the input: odd") {
			t.Errorf("a broken input is told as %v", err)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		wait, _, _ = running(t, t.Context(), &Server{Net: h, At: to, Echo: true, Count: 1})
		c, _ = client(h, to)
		c.Save = failing{}
		wantCode(t, c.Converse(t.Context(), strings.NewReader("x")), outcome.Usage)
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// failing can neither be read nor written.
type failing struct{}

var errOdd = errors.New("odd")

func (failing) Read([]byte) (int, error)  { return 0, errOdd }
func (failing) Write([]byte) (int, error) { return 0, errOdd }
