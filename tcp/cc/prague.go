package cc

// Prague reacts to marks as L4S wants it (RFC 9331 §4.3): in proportion to how many
// there are, so that a queue which marks early and often is kept short and busy.
// It is NewReno in all else; the reaction is that of RFC 8257 §3.3.
//
// It needs counted marks (AccECN, RFC 9768: Ack.ECE). As long as none were counted
// a mark is taken for what RFC 3168 means by it, and halves the window.
type Prague struct {
	Reno
	alpha   int32 // moving average of the marked fraction, in 1/pragueOne
	acked   int32 // octets of this round
	marked  int32 // octets of this round that arrived marked
	counted bool  // the peer counts marks
	losing  bool  // the episode that goes on began with a loss
}

const (
	pragueOne  = 1 << 20
	pragueGain = 16 // g = 1/16 (RFC 8257 §4.2)
)

// NewPrague returns Prague for one connection.
func NewPrague(p Params) *Prague { return &Prague{Reno: *NewReno(p), alpha: pragueOne} }

// Name returns "prague".
func (p *Prague) Name() string { return "prague" }

// Scalable says that octets may leave as ECT(1).
func (p *Prague) Scalable() {}

// Acked widens the window by what arrived unmarked, also while marks are answered.
func (p *Prague) Acked(a Ack) {
	p.count(a)
	a.InRecovery = a.InRecovery && p.losing
	a.Octets -= min(max(a.ECE, 0), max(a.Octets, 0))
	p.Reno.Acked(a)
}

// count is RFC 8257 §3.3: DCTCP.Alpha = DCTCP.Alpha * (1 - g) + g * M, once a round.
func (p *Prague) count(a Ack) {
	p.counted = p.counted || a.ECE > 0
	p.acked = min(p.acked+amount(a.Octets), maxWindow)
	p.marked = min(p.marked+amount(a.ECE), p.acked)
	if !a.Round || p.acked == 0 {
		return
	}
	m := int32(int64(p.marked) * pragueOne / int64(p.acked))
	p.alpha += (m - p.alpha) / pragueGain
	p.acked, p.marked = 0, 0
}

// Lost answers a loss as NewReno does, and a mark with cwnd * (1 - alpha/2).
func (p *Prague) Lost(e Event) {
	p.losing = !e.ECN
	if !e.ECN {
		p.Reno.Lost(e)
		return
	}
	if !p.counted {
		p.alpha = pragueOne
	}
	p.remember()
	cut := int32(int64(p.cwnd) * int64(p.alpha) / (2 * pragueOne))
	p.cwnd = max(p.cwnd-cut, p.mss)
	p.ssthresh = max(p.cwnd, 2*p.mss)
}

// State returns a snapshot.
func (p *Prague) State() State {
	s := p.Reno.State()
	s.Name = p.Name()
	return s
}
