package octet

import (
	"encoding/binary"
	"net/netip"
)

// A tuple names a connection of a host: both ends, IPv4 addresses as IPv6 ones
// that map them. zone is the interface where an end is a link-local address of
// IPv6, which means something else on every link, and zero otherwise.
type tuple struct {
	local, remote         [16]byte
	localPort, remotePort uint16
	zone                  uint32
}

func tupleOf(local, remote netip.AddrPort, on uint32) tuple {
	t := tuple{
		local: local.Addr().As16(), remote: remote.Addr().As16(),
		localPort: local.Port(), remotePort: remote.Port(),
	}
	if isLinkLocal6(&t.local) || isLinkLocal6(&t.remote) {
		t.zone = on
	}
	return t
}

func isLinkLocal6(a *[16]byte) bool { return a[0] == 0xfe && a[1]&0xc0 == 0x80 }

// bytes returns the tuple as input of a keyed hash.
func (t *tuple) bytes() (b [40]byte) {
	copy(b[:], t.local[:])
	copy(b[16:], t.remote[:])
	binary.BigEndian.PutUint16(b[32:], t.localPort)
	binary.BigEndian.PutUint16(b[34:], t.remotePort)
	binary.BigEndian.PutUint32(b[36:], t.zone)
	return b
}
