//go:build octet_exact

package sim

import (
	"math"
	"os"
	"runtime/debug"
	"testing/synctest"
)

const exactly = true

// exactMemory is where the garbage collector begins to work after all.
const exactMemory = 3 << 30

// seedRuntime has the runtime choose by the seed in the bubble that begins next. The
// collector rests meanwhile: when it works is a matter of the wall clock.
func seedRuntime(seed uint64) (restore func()) {
	synctest.OctetSetSeed(seed)
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		debug.SetMemoryLimit(exactMemory)
	}
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// enter says on which host the calling goroutine runs, and all that it starts.
func enter(h *Host) { synctest.OctetSetHost(h.number) }
