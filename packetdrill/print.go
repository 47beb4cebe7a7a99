package packetdrill

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/octet-net/octet/wire"
)

// String prints the script in a form that Parse reads back to the same value.
func (s *Script) String() string {
	var b strings.Builder
	for _, o := range s.Options {
		fmt.Fprintf(&b, "--%s=%s\n", o.Name, o.Value)
	}
	for _, e := range s.Events {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// String prints the event on a line.
func (e *Event) String() string { return e.When.String() + " " + fmt.Sprint(e.Action) }

// String prints the time as scripts write it.
func (w When) String() string {
	from, to := secs(w.From), secs(w.To)
	switch w.Kind {
	case AnyTime:
		return "*"
	case AbsoluteRange:
		return from + "~" + to
	case RelativeRange:
		return "+" + from + "~+" + to
	case Relative:
		from, to = "+"+from, "+"+to
	}
	if w.Ends {
		return from + "..." + to
	}
	return from
}

func secs(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// String prints the command in its quotes.
func (c *Command) String() string { return "`" + c.Text + "`" }

// String prints the snippet in its brackets.
func (c *Code) String() string { return "%{ " + c.Text + " }%" }

// String prints the packet with its direction.
func (k *Packet) String() string {
	b := "<"
	if k.Out {
		b = ">"
	}
	if k.IP.TOS >= 0 {
		b += fmt.Sprintf(" (tos 0x%02x)", k.IP.TOS)
	}
	if k.IP.TTL >= 0 {
		b += fmt.Sprintf(" (ttl %d)", k.IP.TTL)
	}
	if k.IP.ECN >= 0 {
		b += " [" + [4]string{"noecn", "ect1", "ect0", "ce"}[k.IP.ECN] + "]"
	}
	switch {
	case k.TCP != nil:
		return b + " " + k.TCP.String()
	case k.UDP != nil:
		return b + fmt.Sprintf(" udp (%d)", k.UDP.Len)
	}
	return b + " " + k.ICMP.String()
}

// Flags prints control bits as scripts write them: "S.", ".", "-" for none.
func flagString(f wire.Flags) string {
	var b strings.Builder
	for _, c := range []byte("FSRPUEWA.") {
		if f.Has(flagBits[c]) {
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

// String prints the segment as scripts write it.
func (t *TCP) String() string {
	b := fmt.Sprintf("%s %d:%d(%d)", flagString(t.Flags), t.Start, t.End(), t.Len)
	if t.Absolute {
		b += "!"
	}
	if t.Flags.Has(wire.ACK) || t.Ack != 0 {
		b += fmt.Sprintf(" ack %d", t.Ack)
	}
	if t.Window >= 0 {
		b += fmt.Sprintf(" win %d", t.Window)
	}
	if t.Urgent >= 0 {
		b += fmt.Sprintf(" urg %d", t.Urgent)
	}
	var opts []string
	for _, o := range t.Options {
		opts = append(opts, o.String())
	}
	if t.AnyOption {
		opts = append(opts, "...")
	}
	if len(opts) > 0 {
		b += " <" + strings.Join(opts, ",") + ">"
	}
	return b
}

// String prints the option as scripts write it.
func (o TCPOption) String() string {
	switch o.Kind {
	case OptEOL:
		return "eol"
	case OptNOP:
		return "nop"
	case OptMSS:
		return fmt.Sprintf("mss %d", o.Value)
	case OptScale:
		return fmt.Sprintf("wscale %d", o.Value)
	case OptSACKPermitted:
		return "sackOK"
	case OptSACK:
		b := "sack"
		for _, x := range o.Blocks {
			b += fmt.Sprintf(" %d:%d", x[0], x[1])
		}
		return b
	case OptTimestamp:
		mark := func(on bool) string { return map[bool]string{true: "!"}[on] }
		return fmt.Sprintf("TS val %d%s ecr %d%s", o.Value, mark(o.Ignore), o.Echo, mark(o.Absolute))
	case OptAccECN:
		return o.counters()
	case OptFastOpen:
		if o.Ignore {
			return "FO TFO_COOKIE"
		}
		return strings.TrimSpace("FO " + hex.EncodeToString(o.Data))
	}
	return strings.TrimSpace(fmt.Sprintf("gen %d %s", o.Code, hex.EncodeToString(o.Data)))
}

// String prints the message as scripts write it.
func (m *ICMP) String() string {
	b := "icmp " + m.Type
	if m.Code != "" {
		b += " " + m.Code
	}
	if m.MTU >= 0 {
		b += fmt.Sprintf(" mtu %d", m.MTU)
	}
	switch q := m.Quoted; {
	case q == nil:
	case q.UDP:
		b += fmt.Sprintf(" [udp (%d)]", q.Len)
	default:
		b += fmt.Sprintf(" [%d:%d(%d)]", q.Start, q.Start+uint32(q.Len), q.Len)
	}
	return b
}

// String prints the call with its result.
func (c *Call) String() string {
	b := c.Name + "(" + join(c.Args) + ") = "
	if c.Result == nil {
		b += "..."
	} else {
		b += fmt.Sprint(c.Result)
	}
	if c.Errno != "" {
		b += " " + c.Errno
	}
	if c.Note != "" {
		b += " (" + c.Note + ")"
	}
	return b
}

func join(all []Expr) string {
	s := make([]string, len(all))
	for i, e := range all {
		s[i] = fmt.Sprint(e)
	}
	return strings.Join(s, ", ")
}

// String prints the number, in its base.
func (e Int) String() string {
	if e.Hex {
		return "0x" + strconv.FormatUint(uint64(e.V), 16)
	}
	return strconv.FormatInt(e.V, 10)
}

// String prints the string in quotes.
func (e Str) String() string {
	if e.More {
		return strconv.Quote(e.S) + "..."
	}
	return strconv.Quote(e.S)
}

// String prints three dots.
func (Ellipsis) String() string { return "..." }

// String prints the list in brackets.
func (e List) String() string { return "[" + join(e) + "]" }

// String prints the call of a function.
func (e Apply) String() string { return e.Name + "(" + join(e.Args) + ")" }

// String prints the alternatives.
func (e Or) String() string {
	s := make([]string, len(e))
	for i, x := range e {
		s[i] = fmt.Sprint(x)
	}
	return strings.Join(s, " | ")
}

// String prints the fields in braces.
func (e Struct) String() string {
	s := make([]string, len(e))
	for i, f := range e {
		s[i] = fmt.Sprint(f.Value)
		if f.Count != nil {
			s[i] = fmt.Sprintf("%s(%v)=%s", f.Name, f.Count, s[i])
		} else if f.Name != "" {
			s[i] = f.Name + "=" + s[i]
		}
	}
	return "{" + strings.Join(s, ", ") + "}"
}
