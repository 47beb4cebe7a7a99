package octet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// A secret is what makes a host unpredictable from outside: one key for each purpose.
type secret struct {
	ip   [16]byte // ip.Config.Key
	isn  [16]byte // initial sequence numbers (RFC 6528 §3)
	ts   [16]byte // offsets of timestamps (RFC 7323 §7.1)
	port [16]byte // ephemeral ports (RFC 6056)
	misc [16]byte // order of events of one moment
	syn  [16]byte // SYN cookies (RFC 4987 §3.6)
	fast [16]byte // Fast Open cookies (RFC 7413 §4.1.2)
}

// newSecret draws the keys from crypto/rand, or derives them from a seed and the
// name of the host so that a run can be repeated.
func newSecret(name string, seed *uint64) secret {
	var root [32]byte
	if seed == nil {
		rand.Read(root[:]) // never fails
	} else {
		root = sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, *seed), name...))
	}
	key := func(purpose string) (k [16]byte) {
		sum := sha256.Sum256(append(root[:], purpose...))
		copy(k[:], sum[:])
		return k
	}
	return secret{key("ip"), key("isn"), key("timestamp"), key("port"), key("order"), key("SYN cookie"), key("Fast Open cookie")}
}
