package wire_test

import (
	"fmt"
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// A datagram is written from the inside out and read from the outside in.
func Example() {
	data := []byte("Hello")
	u := wire.UDP{SrcPort: 49731, DstPort: 6789, Payload: chunk.Borrow(data)}
	h := wire.IP{
		Src: netip.MustParseAddr("127.0.0.1"), Dst: netip.MustParseAddr("127.0.0.1"),
		Proto: wire.ProtoUDP, TTL: 64,
	}
	h.Len = h.Size() + wire.UDPLen + len(data)
	packet := make([]byte, h.Len)
	copy(packet[h.Size()+wire.UDPLen:], data)
	udp := packet[h.Size():][:wire.UDPLen]
	wire.PutIP(packet, &h)
	wire.PutUDP(udp, &u)
	h.Seal(udp, data)
	fmt.Println(wire.Line(wire.Plain(packet), 0))

	o := wire.Plain(packet)
	if fault := wire.ParseIP(&o, &h); fault != wire.OK {
		fmt.Println(fault)
	}
	o.Pull(int(h.HeaderLen))
	if fault := h.Verify(&o); fault != wire.OK {
		fmt.Println(fault)
	}
	if fault := wire.ParseUDP(&o, &u); fault != wire.OK {
		fmt.Println(fault)
	}
	fmt.Printf("%v to port %d: %s\n", h.Src, u.DstPort, u.Payload.B)
	// Output:
	// 127.0.0.1:49731 → 127.0.0.1:6789 [IP 20 [UDP 8 [data 5]]] = 33 octets
	// 127.0.0.1 to port 6789: Hello
}

// Sums of pieces are combined whatever their lengths.
func ExampleSum_Join() {
	head, data := wire.Sum(0).Add([]byte("odd")), wire.Sum(0).Add([]byte("lengths"))
	fmt.Println(head.Join(data) == wire.Sum(0).Add([]byte("oddlengths")))
	// Output: true
}

func ExampleSegment_String() {
	s := wire.Segment{Seq: 100, Flags: wire.SYN, Window: 65535, Options: wire.Options{
		Has: wire.HasMSS | wire.HasScale, MSS: 1460, Scale: 7,
	}}
	fmt.Println(s)
	// Output: SYN seq 100 win 65535 <mss 1460, scale 7>
}
