package mono

import (
	"math"
	"testing"
	"time"
)

func TestAddSaturates(t *testing.T) {
	for _, c := range []struct {
		name string
		t    Time
		d    time.Duration
		want Time
	}{
		{"plain", 5, 7, 12},
		{"back", 5, -2, 3},
		{"never stays", Never, -time.Second, Never},
		{"overflow", Never - 1, time.Hour, Never},
		{"largest", 0, math.MaxInt64, Never},
	} {
		if got := c.t.Add(c.d); got != c.want {
			t.Errorf("%s: %d.Add(%d) = %d, want %d", c.name, c.t, c.d, got, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	if !Time(1).Before(2) || Time(2).Before(2) {
		t.Error("Before is not a strict order")
	}
	if !Time(2).Due(2) || Time(3).Due(2) || Never.Due(1<<62) {
		t.Error("a deadline is due from its own moment on, and Never is not")
	}
	if got := Time(1500 * time.Millisecond).String(); got != "1.5s" {
		t.Errorf("String = %q", got)
	}
	if got := Never.String(); got != "never" {
		t.Errorf("String = %q", got)
	}
	if got := Time(9).Sub(4); got != 5 {
		t.Errorf("Sub = %d", got)
	}
}
