package packetdrill

import (
	"fmt"
	"slices"
	"strings"

	"github.com/octet-net/octet/wire"
)

// findOption returns the first option of that kind, nil if there is none.
func findOption(t *TCP, k OptionKind) *TCPOption {
	if t == nil {
		return nil
	}
	for i := range t.Options {
		if t.Options[i].Kind == k {
			return &t.Options[i]
		}
	}
	return nil
}

// differences lists in words what of a packet is not as the script wants it.
// slack is how far a timestamp may be off, in milliseconds.
func differences(want *Packet, got *sighting, slack uint32) (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if want.TCP == nil || got.tcp == nil {
		return append(all, "kind of packet")
	}
	w, g := want.TCP, got.tcp
	if w.Flags != g.Flags {
		say("flags: want %s, seen %s", flagString(w.Flags), flagString(g.Flags))
	}
	if w.Start != g.Start || w.Len != g.Len {
		say("sequence: want %d:%d(%d), seen %d:%d(%d)", w.Start, w.End(), w.Len, g.Start, g.End(), g.Len)
	}
	if w.Flags.Has(wire.ACK) && w.Ack != g.Ack {
		say("ack: want %d, seen %d", w.Ack, g.Ack)
	}
	if w.Window >= 0 && w.Window != g.Window {
		say("win: want %d, seen %d", w.Window, g.Window)
	}
	if w.Urgent >= 0 && w.Urgent != g.Urgent {
		say("urg: want %d, seen %d", w.Urgent, g.Urgent)
	}
	if !w.AnyOption && !sameOptions(w.Options, g.Options, slack) {
		say("options: want <%s>, seen <%s>", optionText(w.Options), optionText(g.Options))
	}
	return append(all, differentIP(want.IP, &got.ip)...)
}

func differentIP(want IPFields, got *wire.IP) (all []string) {
	if want.TOS >= 0 && want.TOS != int(got.TOS) {
		all = append(all, fmt.Sprintf("tos: want %#02x, seen %#02x", want.TOS, got.TOS))
	}
	if want.ECN >= 0 && want.ECN != int(got.ECN()) {
		all = append(all, fmt.Sprintf("ecn: want %d, seen %d", want.ECN, got.ECN()))
	}
	if want.TTL >= 0 && want.TTL != int(got.TTL) {
		all = append(all, fmt.Sprintf("ttl: want %d, seen %d", want.TTL, got.TTL))
	}
	return all
}

// sameOptions compares options as sets: padding does not count, nor does their order.
func sameOptions(want, got []TCPOption, slack uint32) bool {
	a, b := meaningful(want), meaningful(got)
	return slices.EqualFunc(a, b, func(x, y TCPOption) bool { return sameOption(x, y, slack) })
}

func meaningful(list []TCPOption) (out []TCPOption) {
	for _, o := range list {
		if o.Kind != OptEOL && o.Kind != OptNOP {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(x, y TCPOption) int {
		return (int(x.Kind)-int(y.Kind))*256 + int(x.Code) - int(y.Code)
	})
	return out
}

func sameOption(w, g TCPOption, slack uint32) bool {
	if w.Kind == OptFastOpen && w.Ignore {
		return g.Kind == OptFastOpen && len(g.Data) > 0
	}
	if w.Kind != g.Kind || w.Code != g.Code || !slices.Equal(w.Blocks, g.Blocks) || !slices.Equal(w.Data, g.Data) {
		return false
	}
	if w.Kind != OptTimestamp {
		return w.Value == g.Value
	}
	off := w.Value - g.Value
	return (w.Ignore || min(off, -off) <= slack) && w.Echo == g.Echo
}

func optionText(list []TCPOption) string {
	var s []string
	for _, o := range list {
		s = append(s, o.String())
	}
	return strings.Join(s, ",")
}
