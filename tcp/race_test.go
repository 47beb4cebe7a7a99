//go:build race

package tcp

// raceEnabled is for tests that count allocations: the race detector makes some.
const raceEnabled = true
