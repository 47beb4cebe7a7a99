package netif

import (
	"fmt"
	"slices"
	"strings"
)

// A Bit is one bit of a flag word.
type Bit struct {
	Mask    uint32
	Names   []string // what systems call it, the first as we write it
	Meaning string
}

// Named reports whether any system calls the bit so.
func (b *Bit) Named(s string) bool { return slices.Contains(b.Names, s) }

// A Table says what the bits of a flag word are, where they are called so.
type Table struct {
	System string // whose numbers these are
	Bits   []Bit  // in the order of their masks
}

// A Word is a number whose bits have names.
type Word struct {
	Table *Table
	Value uint32
}

// Names returns the names of the bits that are set, lowest first, and what is left
// of the number when they are taken away.
func (w Word) Names() (names []string, rest uint32) {
	rest = w.Value
	for _, b := range w.Table.Bits {
		if w.Value&b.Mask != 0 {
			names = append(names, b.Names[0])
			rest &^= b.Mask
		}
	}
	return names, rest
}

// Has reports whether the bit of this name is set.
func (w Word) Has(name string) bool {
	for _, b := range w.Table.Bits {
		if b.Named(name) {
			return w.Value&b.Mask != 0
		}
	}
	return false
}

// String writes the word as ifconfig does on BSD: 8049<UP,LOOPBACK,RUNNING,MULTICAST>.
func (w Word) String() string {
	names, _ := w.Names()
	return fmt.Sprintf("%x<%s>", w.Value, strings.Join(names, ","))
}

func bit(mask uint32, names, meaning string) Bit {
	return Bit{mask, strings.Split(names, "|"), meaning}
}
