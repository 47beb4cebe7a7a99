package interop

import (
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// join hands everything that one device receives to the other, both ways.
func join(a, b link.Device) {
	a.Attach(towards{b})
	b.Attach(towards{a})
}

// towards is a Receiver that sends through a device.
type towards struct{ to link.Device }

func (t towards) Receive(_ mono.Time, batch []link.Packet) {
	for i := range batch {
		p := batch[i] // whose data the device takes over
		batch[i] = link.Packet{}
		t.to.Send(&p)
	}
	t.to.Flush()
}
