//go:build !linux

package perf

import "syscall"

// kernelRetransmits cannot be asked here.
func kernelRetransmits(syscall.Conn) (int64, bool) { return 0, false }
