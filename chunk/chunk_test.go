package chunk

import (
	"bytes"
	"testing"
)

func TestClassHoldsWhatWasAsked(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 1024, 1025, 4096, 65535, 65536} {
		c := New(n)
		if c.Size() < n {
			t.Errorf("New(%d) has room for %d", n, c.Size())
		}
		if n > MinSize && c.Size() >= 2*n {
			t.Errorf("New(%d) takes %d, more than twice what was asked", n, c.Size())
		}
		c.Release()
	}
	if c := New(1 << 20); c.Size() != MaxSize {
		t.Errorf("New(1 MiB) has %d octets, want the largest size %d", c.Size(), MaxSize)
	}
}

func TestViewSurvivesAppend(t *testing.T) {
	c := New(MinSize)
	c.Append([]byte("hello"))
	v := c.View(0, 5)
	c.Append([]byte(" world"))
	if string(v.B) != "hello" {
		t.Errorf("view changed to %q when its chunk grew", v.B)
	}
	w := c.View(5, 11)
	c.Release()
	v.Release()
	if string(w.B) != " world" {
		t.Errorf("view changed to %q when its neighbour was released", w.B)
	}
	w.Release()
}

func TestReleaseTwiceIsHarmless(t *testing.T) {
	v := Copy([]byte("once"))
	keep := v.Share()
	v.Release()
	v.Release()
	other := Copy([]byte("xxxx"))
	if string(keep.B) != "once" {
		t.Errorf("a second Release of one view freed another: %q", keep.B)
	}
	keep.Release()
	other.Release()
}

func TestOwnCopiesBorrowed(t *testing.T) {
	b := []byte("lent")
	v := Borrow(b)
	if v.Owned() {
		t.Error("a borrowed view says that it may be kept")
	}
	o := v.Own()
	b[0] = 'X'
	if string(o.B) != "lent" {
		t.Errorf("Own did not copy: %q", o.B)
	}
	s := o.Own()
	if &s.B[0] != &o.B[0] {
		t.Error("Own copied what was owned already")
	}
	s.Release()
	o.Release()
}

func TestGrowAndTrim(t *testing.T) {
	c := New(MinSize)
	copy(c.Grow(4), "abcd")
	if n := len(c.Grow(10 * MinSize)); n != MinSize-4 {
		t.Errorf("Grow gave %d octets of %d", n, MinSize-4)
	}
	v := c.View(0, 4)
	v.Trim(1, 3)
	if !bytes.Equal(v.B, []byte("bc")) || cap(v.B) != 2 {
		t.Errorf("Trim left %q with capacity %d", v.B, cap(v.B))
	}
	if v.Cost() != MinSize {
		t.Errorf("Cost = %d, want %d", v.Cost(), MinSize)
	}
	v.Release()
	c.Release()
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	p := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() {
		v := Copy(p)
		w := v.Share()
		v.Release()
		w.Release()
	}); n > 0.5 {
		t.Errorf("%v allocations a chunk", n)
	}
}

func TestJoin(t *testing.T) {
	c := New(MinSize)
	c.Append([]byte("abcdef"))
	v, w, x := c.View(0, 2), c.View(2, 4), c.View(5, 6)
	if !v.Join(&w) || string(v.B) != "abcd" || w.Len() != 0 {
		t.Errorf("neighbours became %q and %q", v.B, w.B)
	}
	if v.Join(&x) || string(v.B) != "abcd" || string(x.B) != "f" {
		t.Errorf("views with a gap between them became %q and %q", v.B, x.B)
	}
	if x.Join(&v) {
		t.Error("a view was joined with one that lies before it")
	}
	other := Copy([]byte("ef"))
	if v.Join(&other) {
		t.Error("views of two chunks were joined")
	}
	lent := Borrow([]byte("ef"))
	if lent.Join(&other) || v.Join(&lent) {
		t.Error("a borrowed view was joined")
	}
	c.Release()
	x.Release()
	if string(v.B) != "abcd" {
		t.Errorf("the joined view lost its chunk: %q", v.B)
	}
	v.Release()
}
