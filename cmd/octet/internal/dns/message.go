// Package dns asks name servers, over any network, and shows their answers as zone
// files write them.
package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The types of records whose data are understood (RFC 1035 §3.2.2, RFC 3596, RFC
// 2782, RFC 8659), by the names that the command knows.
var types = map[string]uint16{
	"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "CAA": 257, "ANY": 255,
}

// Types are the names of the types that can be asked for.
var Types = []string{"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "PTR", "SRV", "CAA", "ANY"}

// typeName returns the name of a type, or as RFC 3597 §5 calls those without one.
func typeName(n uint16) string {
	for name, t := range types {
		if t == n {
			return name
		}
	}
	return "TYPE" + strconv.Itoa(int(n))
}

// codes are the names of the response codes (RFC 1035 §4.1.1).
var codes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

func codeName(n int) string {
	if n < len(codes) {
		return codes[n]
	}
	return "RCODE" + strconv.Itoa(n)
}

const (
	headerLen = 12
	classIN   = 1
	typeOPT   = 41
	maxUDP    = 1232 // octets that no path cuts (RFC 9715 §3.1)

	flagResponse  = 1 << 15
	flagAuthority = 1 << 10
	flagTruncated = 1 << 9
	flagRecurse   = 1 << 8
)

var errMessage = errors.New("a message that breaks the rules of DNS")

// appendName writes a name in labels (RFC 1035 §3.1).
func appendName(b []byte, name string) ([]byte, error) {
	start := len(b)
	if name = strings.TrimSuffix(name, "."); name != "" {
		for label := range strings.SplitSeq(name, ".") {
			if len(label) == 0 || len(label) > 63 {
				return nil, fmt.Errorf("name %q has a label of %d octets: each has 1 to 63", name, len(label))
			}
			for i := range len(label) {
				if label[i] <= ' ' || label[i] > '~' {
					return nil, fmt.Errorf("name %q is not ASCII: write it as DNS has it, beginning with xn--", name)
				}
			}
			b = append(append(b, byte(len(label))), label...)
		}
	}
	if b = append(b, 0); len(b)-start > 255 {
		return nil, fmt.Errorf("name %q is longer than the 255 octets that a name may have", name)
	}
	return b, nil
}

// query writes a question (RFC 1035 §4.1), which says how much we take (RFC 6891 §6.1.2).
func query(id uint16, name string, kind uint16) ([]byte, error) {
	b := binary.BigEndian.AppendUint16(nil, id)
	for _, v := range [...]uint16{flagRecurse, 1, 0, 0, 1} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b, err := appendName(b, name)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, typeOPT)
	b = binary.BigEndian.AppendUint16(b, maxUDP)
	return append(b, 0, 0, 0, 0, 0, 0), nil
}

// A Record is one record of an answer.
type Record struct {
	Name string `json:"name"`
	TTL  uint32 `json:"ttl" jsonschema:"seconds"`
	Type string `json:"type"`
	Data string `json:"data" jsonschema:"as zone files write it"`
}

// Text writes the record as a zone file does.
func (r *Record) Text() string {
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s", r.Name, r.TTL, r.Type, r.Data)
}

// A reply is what a server answered.
type reply struct {
	code      int
	truncated bool
	authority bool
	records   []Record // of the answer section
}

// isReply reports whether a message answers a question of ours (RFC 5452 §9.1). A
// forger's must not end our waiting (T-14).
func isReply(b, q []byte) bool {
	end := len(q) - 11 // without the OPT record
	return len(b) >= end && binary.BigEndian.Uint16(b) == binary.BigEndian.Uint16(q) && binary.BigEndian.Uint16(b[2:])&flagResponse != 0 &&
		binary.BigEndian.Uint16(b[4:]) == 1 && strings.EqualFold(string(b[headerLen:end]), string(q[headerLen:end]))
}

// parse reads a reply to a question of so many octets.
func parse(b []byte, question int) (*reply, error) {
	flags := binary.BigEndian.Uint16(b[2:])
	r := &reply{code: int(flags & 15), truncated: flags&flagTruncated != 0, authority: flags&flagAuthority != 0}
	at := headerLen + question
	for range binary.BigEndian.Uint16(b[6:]) {
		record, next, err := parseRecord(b, at)
		if err != nil {
			if r.truncated { // cut where it is too long
				return r, nil
			}
			return nil, err
		}
		r.records = append(r.records, record)
		at = next
	}
	return r, nil
}

func parseRecord(b []byte, at int) (r Record, next int, err error) {
	if r.Name, at, err = parseName(b, at); err != nil {
		return r, 0, err
	}
	if len(b)-at < 10 {
		return r, 0, errMessage
	}
	kind, class := binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
	size := int(binary.BigEndian.Uint16(b[at+8:]))
	r.Type, r.TTL = typeName(kind), binary.BigEndian.Uint32(b[at+4:])
	if at += 10; len(b)-at < size || class != classIN {
		return r, 0, errMessage
	}
	if r.Data, err = parseData(b[:at+size], at, kind); err != nil {
		return r, 0, err
	}
	return r, at + size, nil
}

// parseName reads a name at a place and returns the place behind it. Pointers lead
// backwards only, so that none goes round in circles (T-14).
func parseName(b []byte, at int) (name string, next int, err error) {
	var s strings.Builder
	limit := at // pointers lead before this
	for octets := 0; ; {
		if at >= len(b) {
			return "", 0, errMessage
		}
		size := int(b[at])
		switch {
		case size == 0:
			if next == 0 {
				next = at + 1
			}
			if s.Len() == 0 {
				return ".", next, nil
			}
			return s.String(), next, nil
		case size >= 0xc0:
			if at+1 >= len(b) {
				return "", 0, errMessage
			}
			if next == 0 {
				next = at + 2
			}
			to := int(binary.BigEndian.Uint16(b[at:]) & 0x3fff)
			if to >= limit {
				return "", 0, errMessage
			}
			at, limit = to, to
			continue
		case size > 63 || at+1+size > len(b):
			return "", 0, errMessage
		}
		if octets += 1 + size; octets > 254 {
			return "", 0, errMessage
		}
		writeLabel(&s, b[at+1:at+1+size])
		at += 1 + size
	}
}

// writeLabel writes a label and its dot, with the octets that mean something else
// in a zone file marked (RFC 1035 §5.1).
func writeLabel(s *strings.Builder, label []byte) {
	for _, c := range label {
		switch {
		case c <= ' ' || c > '~':
			fmt.Fprintf(s, `\%03d`, c)
		case strings.IndexByte(`.\"();@$`, c) >= 0:
			s.WriteByte('\\')
			s.WriteByte(c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('.')
}

// parseData reads the data of a record, which end with b.
func parseData(b []byte, at int, kind uint16) (string, error) {
	rest := b[at:]
	switch kind {
	case types["A"], types["AAAA"]:
		a, ok := netip.AddrFromSlice(rest)
		if !ok || a.Is4() != (kind == types["A"]) {
			return "", errMessage
		}
		return a.String(), nil
	case types["NS"], types["CNAME"], types["PTR"]:
		return names(b, at, 1)
	case types["MX"], types["SRV"]:
		return parseNumbered(b, at, kind)
	case types["SOA"]:
		return parseSOA(b, at)
	case types["TXT"]:
		return parseText(rest)
	case types["CAA"]:
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return "", errMessage
		}
		n := 2 + int(rest[1])
		return fmt.Sprintf("%d %s %s", rest[0], quote(rest[2:n]), quote(rest[n:])), nil
	}
	return fmt.Sprintf(`\# %d %x`, len(rest), rest), nil // RFC 3597 §5
}

// names reads so many names, which are all of the data.
func names(b []byte, at, count int) (string, error) {
	var list []string
	for range count {
		name, next, err := parseName(b, at)
		if err != nil {
			return "", err
		}
		list = append(list, name)
		at = next
	}
	if at != len(b) {
		return "", errMessage
	}
	return strings.Join(list, " "), nil
}

// parseNumbered reads numbers of two octets and a name: MX has one, SRV three.
func parseNumbered(b []byte, at int, kind uint16) (string, error) {
	count := 1
	if kind == types["SRV"] {
		count = 3
	}
	if len(b)-at < 2*count {
		return "", errMessage
	}
	text := ""
	for range count {
		text += strconv.Itoa(int(binary.BigEndian.Uint16(b[at:]))) + " "
		at += 2
	}
	name, err := names(b, at, 1)
	return text + name, err
}

func parseSOA(b []byte, at int) (string, error) {
	if len(b)-at < 20 {
		return "", errMessage
	}
	numbers := b[len(b)-20:]
	text, err := names(b[:len(b)-20], at, 2)
	for i := range 5 {
		text += " " + strconv.FormatUint(uint64(binary.BigEndian.Uint32(numbers[4*i:])), 10)
	}
	return text, err
}

// parseText reads strings that each say how long they are.
func parseText(b []byte) (string, error) {
	var list []string
	for len(b) > 0 {
		n := 1 + int(b[0])
		if len(b) < n {
			return "", errMessage
		}
		list = append(list, quote(b[1:n]))
		b = b[n:]
	}
	return strings.Join(list, " "), nil
}

// quote writes a string as a zone file does.
func quote(b []byte) string {
	s := []byte{'"'}
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			s = append(s, '\\', c)
		case c < ' ' || c > '~':
			s = fmt.Appendf(s, `\%03d`, c)
		default:
			s = append(s, c)
		}
	}
	return string(append(s, '"'))
}

// reverseName returns the name under which the name of an address is found
// (RFC 1035 §3.5, RFC 3596 §2.5).
func reverseName(a netip.Addr) string {
	var s strings.Builder
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0; i-- {
		if a.Is4() {
			fmt.Fprintf(&s, "%d.", b[i])
		} else {
			fmt.Fprintf(&s, "%x.%x.", b[i]&15, b[i]>>4)
		}
	}
	if a.Is4() {
		return s.String() + "in-addr.arpa."
	}
	return s.String() + "ip6.arpa."
}
