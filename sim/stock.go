//go:build !octet_exact

package sim

// exactly reports that this is a run of octet test, which repeats packet by packet
// whatever the goroutines of a host do.
const exactly = false

// seedRuntime would have the runtime choose by the seed; only octet test can.
func seedRuntime(uint64) (restore func()) { return func() {} }

// enter would say on which host the calling goroutine runs.
func enter(*Host) {}
