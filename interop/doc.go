// Package interop holds the tests in which the kernel of the operating system and
// programs that know nothing of us are the peers of a host of ours, on a TUN or TAP
// device in a network namespace of its own. They need root and Linux.
package interop
