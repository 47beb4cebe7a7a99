package link

import (
	"fmt"
	"math"
	"slices"
)

// A Loss decides which packets a Path loses. Implementations are values without
// state of their own, so that both directions and several wires may share one.
type Loss interface {
	Lost(c *Chance) bool
}

// A Chance is one packet's: what a Loss may know about it, and its random numbers.
type Chance struct {
	Index uint64  // of the packet in its flow and direction, from 0
	State *uint64 // what the Loss remembers of the flow; zero at its first packet

	key  sipKey
	flow uint64
}

// A fault is what a random number of a packet is for. Further ones a Loss may
// choose for itself.
type fault uint64

const (
	faultLoss fault = iota
	faultLossState
	faultDuplicate
	faultCorrupt
	faultCorruptBit
	faultReorder
	faultJitter
	faultOther // first of those that are not for this package
)

// draw returns the random number of a packet, or of its second copy, for a fault.
func (c *Chance) draw(f fault, copied int) uint64 {
	return c.key.words(c.flow, c.Index, uint64(f)<<8|uint64(copied))
}

// Draw returns the k-th of the packet's random numbers for a Loss of one's own.
func (c *Chance) Draw(k uint8) uint64 { return c.draw(faultOther+fault(k), 0) }

// happens reports whether a random number means yes for the probability p.
func happens(draw uint64, p float64) bool {
	return float64(draw>>11) < p*(1<<53)
}

func checkProbability(what string, p float64) error {
	if math.IsNaN(p) || p < 0 || p > 1 {
		return fmt.Errorf("%s of %v is not between 0 and 1", what, p)
	}
	return nil
}

// Random loses each packet with this probability.
type Random float64

// Lost draws for the packet.
func (r Random) Lost(c *Chance) bool { return happens(c.draw(faultLoss, 0), float64(r)) }

// Check says whether it is a probability.
func (r Random) Check() error { return checkProbability("random loss", float64(r)) }

// Every loses each n-th packet of a flow.
type Every int

// Lost counts.
func (e Every) Lost(c *Chance) bool { return (c.Index+1)%uint64(e) == 0 }

// Check says whether it is at least 1.
func (e Every) Check() error {
	if e < 1 {
		return fmt.Errorf("loss of every %d-th packet: give a number from 1", int(e))
	}
	return nil
}

// List loses the packets of a flow with these indices, counted from 0, ascending.
type List []uint64

// Lost looks the packet up.
func (l List) Lost(c *Chance) bool {
	_, found := slices.BinarySearch(l, c.Index)
	return found
}

// Check says whether the list ascends.
func (l List) Check() error {
	if !slices.IsSorted(l) {
		return fmt.Errorf("list of losses %v does not ascend", []uint64(l))
	}
	return nil
}

// Mask loses packet i of a flow where bit i is set, and none after the 64th.
type Mask uint64

// Lost looks at the packet's bit.
func (m Mask) Lost(c *Chance) bool { return c.Index < 64 && m>>c.Index&1 == 1 }

// GilbertElliott loses packets in bursts: a flow is in a good or a bad state,
// which may change before each packet, and loses with the probability of the state
// (Elliott, Bell System Technical Journal 42(5), 1963). The other two parameters
// of the usual notation are h = 1-LossBad and k = 1-LossGood.
type GilbertElliott struct {
	ToBad, ToGood     float64 // p and r: probabilities of a change of state
	LossGood, LossBad float64
}

// Lost moves the flow's state on and draws for the packet.
func (g GilbertElliott) Lost(c *Chance) bool {
	move := c.draw(faultLossState, 0)
	switch bad := *c.State != 0; {
	case !bad && happens(move, g.ToBad):
		*c.State = 1
	case bad && happens(move, g.ToGood):
		*c.State = 0
	}
	p := g.LossGood
	if *c.State != 0 {
		p = g.LossBad
	}
	return happens(c.draw(faultLoss, 0), p)
}

// Check says whether all four are probabilities.
func (g GilbertElliott) Check() error {
	for _, c := range []struct {
		what string
		p    float64
	}{{"ToBad", g.ToBad}, {"ToGood", g.ToGood}, {"LossGood", g.LossGood}, {"LossBad", g.LossBad}} {
		if err := checkProbability("GilbertElliott "+c.what, c.p); err != nil {
			return err
		}
	}
	return nil
}
