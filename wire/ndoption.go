package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"time"
)

// NDOptions are the options of a neighbour discovery message. Those of a message
// that was parsed are checked: each lies within, and none has a length of zero.
// An option whose length is not one that its type can have is passed over, as is
// one of unknown type (RFC 4861 §4.6).
//
// The Append functions build them; the zero NDOptions are none.
type NDOptions []byte

// The types of options that octet knows.
const (
	ndSourceMAC  = 1
	ndTargetMAC  = 2
	ndPrefix     = 3
	ndRedirected = 4
	ndMTU        = 5
	ndNonce      = 14 // RFC 3971 §5.3.2
	ndRDNSS      = 25 // RFC 8106 §5.1
	ndDNSSL      = 31 // RFC 8106 §5.2
)

// Infinite is the lifetime of a prefix or a name server that never ends: all bits
// of the number of seconds are set.
const Infinite = 0xffffffff * time.Second

// checkNDOptions returns b as options. RFC 4861 §6.1, §7.1: a message with an
// option of length zero is discarded whole.
func checkNDOptions(b []byte) (NDOptions, Fault) {
	for rest := b; len(rest) > 0; {
		if len(rest) < 2 {
			return nil, Truncated
		}
		n := 8 * int(rest[1])
		if n == 0 {
			return nil, BadOption
		}
		if n > len(rest) {
			return nil, Truncated
		}
		rest = rest[n:]
	}
	return b[:len(b):len(b)], OK
}

// All yields type and content of each option, what follows the octet of its length.
// It ends before an option that does not fit, which checked options do not have.
func (o NDOptions) All() iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		for len(o) >= 2 {
			n := 8 * int(o[1])
			if n == 0 || n > len(o) || !yield(o[0], o[2:n:n]) {
				return
			}
			o = o[n:]
		}
	}
}

// find returns the content of the first option of a type with n octets of content.
func (o NDOptions) find(kind uint8, n int) []byte {
	for k, b := range o.All() {
		if k == kind && len(b) == n {
			return b
		}
	}
	return nil
}

func (o NDOptions) mac(kind uint8) (m MAC, ok bool) {
	if b := o.find(kind, 6); b != nil {
		return MAC(b), true
	}
	return m, false
}

// SourceMAC returns the link-layer address of the sender.
func (o NDOptions) SourceMAC() (MAC, bool) { return o.mac(ndSourceMAC) }

// TargetMAC returns the link-layer address of the target.
func (o NDOptions) TargetMAC() (MAC, bool) { return o.mac(ndTargetMAC) }

// MTU returns the MTU of the link in octets, which the caller must bound.
func (o NDOptions) MTU() (n uint32, ok bool) {
	if b := o.find(ndMTU, 6); b != nil {
		return binary.BigEndian.Uint32(b[2:]), true
	}
	return 0, false
}

// Nonce returns the nonce that tells one's own solicitation (RFC 7527), nil if there is none.
func (o NDOptions) Nonce() []byte {
	for k, b := range o.All() {
		if k == ndNonce {
			return b
		}
	}
	return nil
}

// Redirected returns the begin of the packet that caused a redirect, nil if there is none.
func (o NDOptions) Redirected() []byte {
	for k, b := range o.All() {
		if k == ndRedirected && len(b) >= 6 {
			return b[6:]
		}
	}
	return nil
}

// A PrefixInfo is a prefix that a router announces (RFC 4861 §4.6.2).
type PrefixInfo struct {
	Prefix     netip.Prefix  // without bits behind its length
	OnLink     bool          // addresses in it are neighbours
	Autonomous bool          // hosts may make addresses of it (RFC 4862 §5.5.3)
	Valid      time.Duration // whole seconds, or Infinite
	Preferred  time.Duration // whole seconds, or Infinite
}

// Prefixes yields the prefixes. One with a length over 128 is passed over.
func (o NDOptions) Prefixes() iter.Seq[PrefixInfo] {
	return func(yield func(PrefixInfo) bool) {
		for k, b := range o.All() {
			if k != ndPrefix || len(b) != 30 || b[0] > 128 {
				continue
			}
			p := PrefixInfo{
				Prefix:     netip.PrefixFrom(netip.AddrFrom16([16]byte(b[14:])), int(b[0])).Masked(),
				OnLink:     b[1]&0x80 != 0,
				Autonomous: b[1]&0x40 != 0,
				Valid:      time.Duration(binary.BigEndian.Uint32(b[2:])) * time.Second,
				Preferred:  time.Duration(binary.BigEndian.Uint32(b[6:])) * time.Second,
			}
			if !yield(p) {
				return
			}
		}
	}
}

// RDNSS yields the name servers with their lifetimes.
func (o NDOptions) RDNSS() iter.Seq2[netip.Addr, time.Duration] {
	return func(yield func(netip.Addr, time.Duration) bool) {
		for k, b := range o.All() {
			// RFC 8106 §5.3.1: whole addresses, at least one.
			if k != ndRDNSS || len(b)%16 != 6 || len(b) < 22 {
				continue
			}
			life := time.Duration(binary.BigEndian.Uint32(b[2:])) * time.Second
			for b = b[6:]; len(b) > 0; b = b[16:] {
				if !yield(netip.AddrFrom16([16]byte(b)), life) {
					return
				}
			}
		}
	}
}

// DNSSL yields the search domains, without a last dot, with their lifetimes. An
// option with a name that is none ends there.
func (o NDOptions) DNSSL() iter.Seq2[string, time.Duration] {
	return func(yield func(string, time.Duration) bool) {
		for k, b := range o.All() {
			if k != ndDNSSL || len(b) < 14 {
				continue
			}
			life := time.Duration(binary.BigEndian.Uint32(b[2:])) * time.Second
			for b = b[6:]; ; {
				name, n := domainName(b)
				if n == 0 {
					break
				}
				if !yield(name, life) {
					return
				}
				b = b[n:]
			}
		}
	}
}

// domainName reads a name of labels without compression (RFC 1035 §3.1) and how
// many octets it takes: none if there is no whole name.
func domainName(b []byte) (name string, n int) {
	var text []byte
	for n < len(b) && n <= 255 {
		l := int(b[n])
		if l == 0 {
			if len(text) == 0 {
				return "", 0 // padding
			}
			return string(text[1:]), n + 1
		}
		if l > 63 || n+1+l > len(b) || !isLabel(b[n+1:n+1+l]) {
			return "", 0
		}
		text = append(append(text, '.'), b[n+1:n+1+l]...)
		n += 1 + l
	}
	return "", 0
}

// isLabel reports whether b can stand in a name that is text: a dot or what cannot
// be printed would make it another name.
func isLabel(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return true
}
