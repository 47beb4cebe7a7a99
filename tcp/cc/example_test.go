package cc_test

import (
	"fmt"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
)

// Fixed is a congestion control of one's own: it keeps the same window whatever
// happens, which suits a private line and nothing else.
type Fixed struct{ window int }

func (f *Fixed) Name() string                                         { return "fixed" }
func (f *Fixed) Window() int                                          { return f.window }
func (f *Fixed) PacingRate() uint64                                   { return 0 }
func (f *Fixed) Sent(mono.Time, int, int, time.Duration)              {}
func (f *Fixed) Acked(cc.Ack)                                         {}
func (f *Fixed) Lost(cc.Event)                                        {}
func (f *Fixed) Recovered(mono.Time)                                  {}
func (f *Fixed) TimedOut(now mono.Time, backoff int, outstanding int) {}
func (f *Fixed) Undo(mono.Time)                                       {}
func (f *Fixed) SetMSS(int)                                           {}
func (f *Fixed) State() cc.State                                      { return cc.State{Name: "fixed", Cwnd: f.window} }

func Example_own() {
	var c cc.Control = &Fixed{window: 64 << 10}
	c.Lost(cc.Event{Inflight: 64 << 10, Lost: 1460})
	fmt.Println(c.Name(), c.Window())
	// Output: fixed 65536
}

func ExampleNew() {
	c, err := cc.New("cubic", cc.Params{MSS: 1460})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Window(), "octets at first")
	// A full window is acknowledged, then a segment of the next is lost.
	c.Acked(cc.Ack{Octets: 14600, RTT: 20 * time.Millisecond, SRTT: 20 * time.Millisecond, CwndLtd: true})
	fmt.Println(c.Window(), "in slow start")
	c.Lost(cc.Event{Inflight: 29200, Lost: 1460})
	fmt.Println(c.Window(), "after a loss")
	// Output:
	// 14600 octets at first
	// 29200 in slow start
	// 20440 after a loss
}

func ExamplePacer() {
	const rate, mss = 1_000_000, 1000 // a segment each millisecond
	var p cc.Pacer
	var now mono.Time
	for range 6 {
		if !p.Ready(now) {
			now = p.Due()
		}
		fmt.Println(now)
		p.Sent(now, mss, rate, mss)
	}
	// Output:
	// 0s
	// 0s
	// 2ms
	// 2ms
	// 4ms
	// 4ms
}
