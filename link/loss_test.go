package link

import (
	"math"
	"slices"
	"testing"
)

// lost returns which of the first n packets of a flow a Loss takes.
func lost(l Loss, flow, n uint64) []uint64 {
	var state uint64
	var gone []uint64
	for i := range n {
		if l.Lost(&Chance{Index: i, State: &state, key: sipKey{1, 2}, flow: flow}) {
			gone = append(gone, i)
		}
	}
	return gone
}

func TestLossByIndex(t *testing.T) {
	for _, c := range []struct {
		name string
		loss Loss
		want []uint64
	}{
		{"every third", Every(3), []uint64{2, 5, 8}},
		{"every one", Every(1), []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"list", List{0, 4, 100}, []uint64{0, 4}},
		{"mask", Mask(1<<9 | 1<<1 | 1<<63), []uint64{1, 9}},
		{"never", Random(0), nil},
		{"always", Random(1), []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	} {
		if got := lost(c.loss, 7, 10); !slices.Equal(got, c.want) {
			t.Errorf("%s: lost %v, want %v", c.name, got, c.want)
		}
	}
	if got := lost(Mask(math.MaxUint64), 7, 100); len(got) != 64 {
		t.Errorf("a full mask took %d packets, want 64", len(got))
	}
}

func TestRandomLossDiffersFromFlowToFlow(t *testing.T) {
	if slices.Equal(lost(Random(0.5), 1, 64), lost(Random(0.5), 2, 64)) {
		t.Error("two flows lose the same packets")
	}
}

// In the long run the chain is bad for p / (p + r) of the packets, and its bad
// runs last 1 / r packets.
func TestGilbertElliottShares(t *testing.T) {
	const n, p, r = 200_000, 0.01, 0.2
	gone := lost(GilbertElliott{ToBad: p, ToGood: r, LossBad: 1}, 3, n)
	share := float64(len(gone)) / n
	if want := p / (p + r); math.Abs(share-want) > 0.005 {
		t.Errorf("%.4f of the packets were lost, want %.4f", share, want)
	}
	runs := 1
	for i := range gone[1:] {
		if gone[i+1] != gone[i]+1 {
			runs++
		}
	}
	if mean := float64(len(gone)) / float64(runs); math.Abs(mean-1/r) > 0.3 {
		t.Errorf("bursts of %.2f packets, want %.2f", mean, 1/r)
	}
}
