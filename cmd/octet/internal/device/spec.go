// Package device opens the network devices that --on names and puts a stack of ours
// on one: with addresses on our side and, where the device was made for us, on the
// kernel's.
package device

import (
	"fmt"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// A Kind is how a stack stands on a device.
type Kind string

// The kinds of devices.
const (
	TUN Kind = "tun" // IP packets to and from the kernel
	TAP Kind = "tap" // Ethernet frames to and from the kernel
	Eth Kind = "eth" // beside the kernel on an Ethernet interface
)

// Kinds are all of them, as the help lists them.
var Kinds = []Kind{TUN, TAP, Eth}

// A Spec names a device: tun:octet0, tap:lab0, eth:eth0.
type Spec struct {
	Kind Kind
	Name string
}

// String returns the device as it is written.
func (s Spec) String() string { return string(s.Kind) + ":" + s.Name }

// Ethernet reports whether the device carries Ethernet frames.
func (s Spec) Ethernet() bool { return s.Kind != TUN }

// Is reports whether text begins as the name of a device does.
func Is(text string) bool {
	kind, _, found := strings.Cut(text, ":")
	return found && (Kind(kind) == TUN || Kind(kind) == TAP || Kind(kind) == Eth)
}

// maxName is the longest name of an interface: IFNAMSIZ of Linux and BSD, less the
// zero at its end.
const maxName = 15

// Parse reads the name of a device.
func Parse(text string) (Spec, error) {
	kind, name, _ := strings.Cut(text, ":")
	s := Spec{Kind(kind), name}
	if !Is(text) {
		return s, bad(text, "is no device; write tun:NAME, tap:NAME or eth:NAME")
	}
	switch {
	case name == "":
		return s, bad(text, fmt.Sprintf("names no interface; write it as %s:octet0", kind))
	case len(name) > maxName:
		return s, bad(text, fmt.Sprintf("has a name of %d characters; the most is %d", len(name), maxName))
	case name == "." || name == ".." || strings.ContainsFunc(name, refused):
		return s, bad(text, "has a character that no interface name may hold; use letters, digits, - and _")
	}
	return s, nil
}

// refused are the characters that Linux refuses, that it would replace, or that
// would lead the name of a file astray.
func refused(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`/:%\`, c) }

func bad(text, why string) error {
	return &outcome.Error{Code: outcome.Usage, What: fmt.Sprintf("--on %q %s", text, why)}
}
