package packetdrill

import (
	"fmt"
	"strings"

	"github.com/octet-net/octet/wire"
)

// The kinds of the AccECN option (RFC 9768 §3.2.3): e0b stands first, or e1b.
const (
	kindAccECN0 = 172
	kindAccECN1 = 174
)

// counterNames are the counters in the order of kindAccECN0.
var counterNames = [3]string{"e0b", "ceb", "e1b"}

// counterName returns the name of the i-th counter of an option.
func counterName(kind uint8, i int) string {
	if kind == kindAccECN1 {
		i = len(counterNames) - 1 - i
	}
	return counterNames[i]
}

// aceFlags returns the flags that stand for a number where both ends count marks:
// AE, CWR and ECE (RFC 9768 §3.2.2).
func aceFlags(n byte) (f wire.Flags) {
	for i, bit := range []wire.Flags{wire.ECE, wire.CWR, wire.AE} {
		if n>>i&1 != 0 {
			f |= bit
		}
	}
	return f
}

// counters parses ECN e0b 1 ceb 0 e1b 1: up to three counters from either end.
func (p *parser) counters() TCPOption {
	o := TCPOption{Kind: OptAccECN, Code: kindAccECN0}
	if p.isWord("e1b") {
		o.Code = kindAccECN1
	}
	for i := 0; p.tok.kind == word; i++ {
		if i >= len(counterNames) || p.tok.text != counterName(o.Code, i) {
			p.fault("ECN: want e0b, ceb and e1b in this order or the opposite, found %s", p.found())
		}
		name := p.next().text
		v := uint32(p.integer(name, 0, 1<<24-1))
		o.Data = append(o.Data, byte(v>>16), byte(v>>8), byte(v))
	}
	return o
}

// counters prints an AccECN option as scripts write it.
func (o TCPOption) counters() string {
	var b strings.Builder
	b.WriteString("ECN")
	for i := 0; 3*i+3 <= len(o.Data) && i < len(counterNames); i++ {
		d := o.Data[3*i:]
		fmt.Fprintf(&b, " %s %d", counterName(o.Code, i), uint32(d[0])<<16|uint32(d[1])<<8|uint32(d[2]))
	}
	return b.String()
}
