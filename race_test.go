//go:build race

package octet

// raceEnabled is for tests that count allocations: the race detector makes some.
const raceEnabled = true
