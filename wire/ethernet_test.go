package wire

import (
	"bytes"
	"testing"
)

func TestParseEthernet(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		want        Ethernet
		fault       Fault
	}{
		{"plain", "ffffffffffff 020000000001 0806", Ethernet{Dst: BroadcastMAC(), Src: MAC{2, 0, 0, 0, 0, 1}, Type: EtherARP}, OK},
		{"tagged", "ffffffffffff 020000000001 8100 6005 86dd", Ethernet{Dst: BroadcastMAC(), Src: MAC{2, 0, 0, 0, 0, 1}, Type: EtherIPv6, Tagged: true, Tag: 0x6005}, OK},
		{"tagged twice", "ffffffffffff 020000000001 8100 0005 8100 0006 0800", Ethernet{Dst: BroadcastMAC(), Src: MAC{2, 0, 0, 0, 0, 1}, Type: EtherVLAN, Tagged: true, Tag: 5}, OK},
		{"cut in its tag", "ffffffffffff 020000000001 8100 6005 86", Ethernet{}, Truncated},
		{"13 octets", "ffffffffffff 020000000001 08", Ethernet{}, Truncated},
		{"802.3 length", "ffffffffffff 020000000001 05dc aaaa", Ethernet{}, BadType},
	} {
		o := Plain(unhex(c.frame))
		var e Ethernet
		f := ParseEthernet(&o, &e)
		if f != c.fault || f == OK && e != c.want {
			t.Errorf("%s: %v %+v", c.name, f, e)
		}
	}
	if e := (Ethernet{Tagged: true, Tag: 0x6005}); e.VLAN() != 5 || e.Size() != 18 {
		t.Errorf("VLAN %d, %d octets", e.VLAN(), e.Size())
	}
}

func TestMAC(t *testing.T) {
	m := MAC{0x02, 0x1f, 0, 0xab, 0, 1}
	if m.String() != "02:1f:00:ab:00:01" || m.IsMulticast() || !BroadcastMAC().IsMulticast() || !(MAC{1}).IsMulticast() {
		t.Errorf("%v", m)
	}
}

func FuzzParseEthernet(f *testing.F) {
	f.Add(framed(EtherIPv4, corpus()["udp4"]))
	f.Add(unhex("ffffffffffff 020000000001 8100 6005 86dd 60"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := Plain(b)
		var e Ethernet
		if ParseEthernet(&o, &e) != OK {
			return
		}
		out := make([]byte, e.Size())
		PutEthernet(out, &e)
		if !bytes.HasPrefix(b, out) || o.Len() != len(b) {
			t.Fatalf("read % x, wrote % x", b, out)
		}
		checkPrinting(t, Plain(b), Framed)
		checkExplanation(t, b, Framed)
	})
}
