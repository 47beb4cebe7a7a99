//go:build octet_exact

package recipes

// exact says that octet test runs this: what waits for a mutex lets time pass, and a
// second run must repeat the first packet by packet.
const exact = true
