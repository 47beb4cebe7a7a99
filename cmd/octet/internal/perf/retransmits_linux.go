package perf

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelRetransmits asks the kernel (TCP_INFO).
func kernelRetransmits(c syscall.Conn) (n int64, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n, ok = int64(info.Total_retrans), true
		}
	})
	return n, ok && err == nil
}
