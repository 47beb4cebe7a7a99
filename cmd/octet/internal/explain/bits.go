package explain

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/netif"
)

// equations are the words before an equals sign, each with the tables that its
// number may belong to.
var equations = map[string][]*netif.Table{
	"flags":        {netif.BSDFlags, netif.LinuxFlags},
	"options":      {netif.MacOptions, netif.FreeBSDOptions},
	"capabilities": {netif.FreeBSDOptions, netif.MacOptions},
	"nd6 options":  {netif.ND6Options},
}

// A reading is one way to understand a flag word.
type reading struct {
	netif.Word
	decimal bool
}

// equation explains flags=8049<UP,LOOPBACK> and the like.
func (r *reader) equation(w string) bool {
	key, value, found := strings.Cut(w, "=")
	tables, known := equations[key]
	if !found || !known {
		return false
	}
	return r.flagWord(key, w, value, tables)
}

// bareFlag explains a flag word that stands alone: 0x8049, 8049<UP,LOOPBACK>,
// <UP,LOOPBACK> or just UP.
func (r *reader) bareFlag(w string) bool {
	number, _, list := strings.Cut(w, "<")
	if list && number == "" {
		r.flagList(w)
		return true
	}
	if list || strings.HasPrefix(w, "0x") && len(w) < 10 {
		return r.flagWord("flags", w, w, equations["flags"])
	}
	for _, t := range []*netif.Table{netif.LinuxFlags, netif.BSDFlags} {
		if b := find(t, w); b != nil {
			r.note("flag", w, "%s", b.Meaning)
			return true
		}
	}
	return false
}

// flagWord explains a number with or without the names of its bits. Where nothing
// tells systems apart, it gives every reading in which all bits have a meaning.
func (r *reader) flagWord(key, word, value string, tables []*netif.Table) bool {
	number, rest, hasNames := strings.Cut(value, "<")
	names := listed(rest)
	all := readings(number, tables)
	if len(all) == 0 {
		return false
	}
	if hasNames {
		best := slices.MinFunc(all, func(a, b reading) int { return a.differences(names) - b.differences(names) })
		if !slices.ContainsFunc(names, func(n string) bool { return find(best.Table, n) != nil }) && len(names) > 0 {
			r.unknown(word, "flags of a kind that octet does not know: it knows none of the names")
			return true
		}
		all = []reading{best}
	} else {
		all = plausible(all)
	}
	word, _, _ = strings.Cut(word, "<")
	for _, one := range all {
		r.note("flags", word, "%s", one.describe())
		r.under(func() { r.bitsOf(key, one.Word, names, hasNames) })
	}
	return true
}

// listed returns the names in a list such as <UP,LOOPBACK>.
func listed(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune("<,>", c) })
}

// readings returns every way to read the number: hexadecimal for each system, and
// decimal as Linux's ifconfig writes flags.
func readings(number string, tables []*netif.Table) []reading {
	var all []reading
	digits, hexadecimal := strings.CutPrefix(number, "0x")
	if v, err := strconv.ParseUint(digits, 16, 32); err == nil {
		for _, t := range tables {
			all = append(all, reading{netif.Word{Table: t, Value: uint32(v)}, false})
		}
	}
	if v, err := strconv.ParseUint(digits, 10, 32); err == nil && !hexadecimal && slices.Contains(tables, netif.LinuxFlags) {
		all = append(all, reading{netif.Word{Table: netif.LinuxFlags, Value: uint32(v)}, true})
	}
	return all
}

// plausible leaves out the readings with bits that mean nothing, unless all have such.
func plausible(all []reading) []reading {
	var good []reading
	for _, one := range all {
		if _, rest := one.Names(); rest == 0 {
			good = append(good, one)
		}
	}
	if len(good) == 0 {
		return all[:1]
	}
	return good
}

// differences counts the names that the number does not have and the bits that the names do not have.
func (one *reading) differences(names []string) int {
	count, told := 0, uint32(0)
	for _, n := range names {
		b := find(one.Table, n)
		if b == nil || one.Value&b.Mask == 0 {
			count++
		} else {
			told |= b.Mask
		}
	}
	return count + bits.OnesCount32(one.Value&^told)
}

func (one *reading) describe() string {
	n := bits.OnesCount32(one.Value)
	set := fmt.Sprintf("%d bits are set", n)
	if n == 1 {
		set = "1 bit is set"
	}
	if one.decimal {
		return fmt.Sprintf("%d in decimal, as ifconfig prints it on Linux, is %#x, in binary %s: %s", one.Value, one.Value, inBits(one.Value), set)
	}
	return fmt.Sprintf("%#x in hexadecimal, bits as on %s, in binary %s: %s", one.Value, one.Table.System, inBits(one.Value), set)
}

// inBits writes v in groups of four bits, as many as are needed.
func inBits(v uint32) string {
	s := strconv.FormatUint(uint64(v), 2)
	s = strings.Repeat("0", (4-len(s)%4)%4) + s
	for i := len(s) - 4; i > 0; i -= 4 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// bitsOf explains each bit that is set, then each name whose bit is not.
func (r *reader) bitsOf(key string, w netif.Word, names []string, hasNames bool) {
	rest := w.Value
	for _, b := range w.Table.Bits {
		if w.Value&b.Mask == 0 {
			continue
		}
		rest &^= b.Mask
		k := slices.IndexFunc(names, b.Named)
		switch {
		case k >= 0:
			r.note(bitKind(key), names[k], "%#x: %s", b.Mask, b.Meaning)
		case hasNames:
			r.note(bitKind(key), b.Names[0], "%#x: %s; it is set but not in the list", b.Mask, b.Meaning)
		default:
			r.note(bitKind(key), b.Names[0], "%#x: %s", b.Mask, b.Meaning)
		}
	}
	for ; rest != 0; rest &= rest - 1 {
		r.unknown(fmt.Sprintf("%#x", rest&-rest), "a bit of which octet knows no meaning")
	}
	for _, n := range names {
		if b := find(w.Table, n); b == nil {
			r.unknown(n, "octet knows no bit of this name")
		} else if w.Value&b.Mask == 0 {
			r.note(bitKind(key), n, "%#x: in the list, but its bit is not set in the number", b.Mask)
		}
	}
}

func bitKind(key string) string {
	if key == "flags" {
		return "flag"
	}
	return "option"
}

// flagList explains names without a number, as ip addr writes them.
func (r *reader) flagList(w string) {
	r.note("flags", w, "flags as ip prints them on Linux")
	r.under(func() {
		for _, n := range listed(w) {
			b := find(netif.LinuxFlags, n)
			if b == nil {
				b = find(netif.BSDFlags, n)
			}
			switch {
			case b != nil:
				r.note("flag", n, "%s", b.Meaning)
			case plain[n] != "":
				r.note("flag", n, "%s", plain[n])
			default:
				r.unknown(n, "octet knows no flag of this name")
			}
		}
	})
}

func find(t *netif.Table, name string) *netif.Bit {
	for i := range t.Bits {
		if t.Bits[i].Named(name) {
			return &t.Bits[i]
		}
	}
	return nil
}
