package perf

import (
	"net"
	"syscall"

	"github.com/octet-net/octet"
)

// retransmits returns how many segments a connection has sent again; ok is false
// where nobody says.
func retransmits(c net.Conn) (n int64, ok bool) {
	switch c := c.(type) {
	case *octet.TCPConn:
		return int64(c.Info().Counts.Retransmits), true
	case syscall.Conn:
		return kernelRetransmits(c)
	}
	return 0, false
}
