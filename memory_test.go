package octet

import (
	"testing"
	"unsafe"

	"github.com/octet-net/octet/tcp"
)

// What every connection has is allocated in classes of sizes: one octet more than
// these, and each connection of a host pays for the next class. (The runtime takes 8
// octets of one beyond 512.) What few need stands behind pointers, made when it is needed.
func TestSizesOfAConnection(t *testing.T) {
	for what, size := range map[string][2]uintptr{
		"Socket":  {unsafe.Sizeof(Socket{}), 384},
		"tcp.TCB": {unsafe.Sizeof(tcp.TCB{}), 888},
	} {
		if size[0] > size[1] {
			t.Errorf("a %s has %d octets, more than %d", what, size[0], size[1])
		}
	}
}
