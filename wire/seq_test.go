package wire

import "testing"

// bases are numbers around which comparisons wrap.
var bases = []Seq{0, 1, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 2, 1<<32 - 1}

func TestSeqOrder(t *testing.T) {
	for _, s := range bases {
		for _, n := range []int{1, 2, 1000, 1<<31 - 1} {
			u := s.Add(n)
			if !s.Less(u) || u.Less(s) || !s.LessEq(u) || u.LessEq(s) {
				t.Errorf("%d and %d, %d after it, are out of order", s, u, n)
			}
			if u.Sub(s) != n || s.Sub(u) != -n || u.Add(-n) != s {
				t.Errorf("%d - %d = %d and %d, want ±%d", u, s, u.Sub(s), s.Sub(u), n)
			}
			if MaxSeq(s, u) != u || MaxSeq(u, s) != u || MinSeq(s, u) != s || MinSeq(u, s) != s {
				t.Errorf("of %d and %d, MaxSeq or MinSeq is wrong", s, u)
			}
		}
		if s.Less(s) || !s.LessEq(s) || s.Sub(s) != 0 {
			t.Errorf("%d is not equal to itself", s)
		}
	}
}

func TestSeqIn(t *testing.T) {
	for _, s := range bases {
		for _, c := range []struct {
			off, n int
			want   bool
		}{
			{0, 0, false}, {0, 1, true}, {1, 1, false}, {-1, 10, false},
			{65534, 65535, true}, {65535, 65535, false}, {0, -5, false},
			{1<<31 - 1, 1 << 31, true}, {-1, 1 << 32, true},
		} {
			if got := s.Add(c.off).In(s, c.n); got != c.want {
				t.Errorf("%d%+d in %d octets from %d: %v", s, c.off, c.n, s, got)
			}
		}
	}
}

func TestRangeLenWraps(t *testing.T) {
	if r := (Range{1<<32 - 10, 20}); r.Len() != 30 || r.String() != "4294967286:20" {
		t.Errorf("%v has %d octets", r, r.Len())
	}
}
