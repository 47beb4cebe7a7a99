package demo

import (
	"bytes"
	"context"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
)

// UDPSummary is what the end object of the UDP demonstration says.
type UDPSummary struct {
	Packets int    `json:"packets"`
	Answer  string `json:"answer"`
}

// UDP lets a client send a datagram to a server on the same host, which answers.
// The host is one of ours, whose packets are shown, unless kernel is set.
func UDP(ctx context.Context, r *report.Reporter, kernel bool) (UDPSummary, error) {
	if kernel {
		return talkUDP(ctx, r, octet.System())
	}
	t := &trace{report: r.Labelled("wire"), all: true}
	h := octet.NewHost(octet.WithObserver(t))
	sum, err := talkUDP(ctx, r, h)
	closing(h, &err)
	sum.Packets = t.count()
	return sum, err
}

func talkUDP(ctx context.Context, r *report.Reporter, n octet.Network) (UDPSummary, error) {
	at := quantity.Endpoint{Network: "udp", Host: "localhost", Port: 6789}
	var sum UDPSummary
	err := both(ctx, func(ctx context.Context, ready func()) error {
		s := &talk.Server{
			Net: n, At: at, Report: r.Labelled("server"), Ready: ready,
			Answer: true, Reply: []byte(reply), Max: maxSize, Count: 1,
		}
		return s.Run(ctx)
	}, func(ctx context.Context) error {
		var answer bytes.Buffer
		say := r.Labelled("client")
		say.Printf("sends '%s' to %s\n", greeting, at.Address())
		c := &talk.Client{Net: n, To: at, Report: say, Save: &answer, Max: maxSize}
		if err := c.Ask(ctx, []byte(greeting)); err != nil {
			return err
		}
		say.Printf("got %s\n", report.PyBytes(answer.Bytes()))
		sum.Answer = answer.String()
		return heard(answer.Bytes())
	})
	return sum, err
}
