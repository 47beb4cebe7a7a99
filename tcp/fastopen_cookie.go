package tcp

import (
	"crypto/subtle"
	"encoding/binary"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Fast Open cookie is what a server gives a client to show that it receives
// what is sent to its address (RFC 7413 §4.1.2): a MAC of both addresses and of the
// slot of time, so that it cannot be made up, serves nobody else and expires.
// Nothing is kept for it.
const (
	fastOpenSlot   = 12 * time.Hour // a cookie lives to the end of the slot after its own
	fastOpenLen    = 8              // octets of a cookie
	longFastOpened = 32 + 8         // octets that are hashed
)

// FastOpenCookie makes the cookie of a client. key is 128 random bits of the host
// for this purpose alone, name the addresses of server and client, at most 32 octets.
func FastOpenCookie(now mono.Time, key [16]byte, name []byte) wire.Cookie {
	return fastOpenCookie(key, name, uint64(now)/uint64(fastOpenSlot))
}

// CheckFastOpenCookie reports whether a cookie is one that the client was given in
// this slot of time or the one before, and if so whether it is time for another
// (RFC 7413 §4.1.2: "generate and verify cookies using multiple keys").
func CheckFastOpenCookie(now mono.Time, key [16]byte, name []byte, c *wire.Cookie) (good, old bool) {
	slot := uint64(now) / uint64(fastOpenSlot)
	if sameCookie(c, fastOpenCookie(key, name, slot)) {
		return true, false
	}
	if slot > 0 && sameCookie(c, fastOpenCookie(key, name, slot-1)) {
		return true, true
	}
	return false, false
}

// sameCookie takes equally long whatever the octets of a cookie are, so that the
// time tells a forger nothing.
func sameCookie(c *wire.Cookie, good wire.Cookie) bool {
	return c.Len == good.Len && subtle.ConstantTimeCompare(c.B[:good.Len], good.B[:good.Len]) == 1
}

func fastOpenCookie(key [16]byte, name []byte, slot uint64) wire.Cookie {
	var b [longFastOpened]byte
	n := copy(b[:32], name)
	binary.BigEndian.PutUint64(b[n:], slot)
	c := wire.Cookie{Len: fastOpenLen}
	binary.BigEndian.PutUint64(c.B[:], siphash(key, b[:n+8]))
	return c
}
