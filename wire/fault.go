package wire

// A Fault is what Parse found wrong with a packet. Faults are small numbers below
// NumFaults, so that drops can be counted in an array.
type Fault uint8

// The faults.
const (
	OK              Fault = iota
	Truncated             // shorter than its header, or than the length it gives
	BadVersion            // not of the IP version that was expected
	BadHeaderLength       // a header length below the minimum or past the packet
	BadLength             // a length field that contradicts the others
	BadChecksum           // corrupted, or without the checksum it must have
	BadType               // a kind of packet that this format does not have, or that octet does not speak
	BadOption             // an option whose length is wrong (IPv4, neighbour discovery)
	BadAddress            // an address that cannot stand in its place

	// TooManyHeaders: more extension headers or options than anybody needs
	// (RFC 8504 §5.3 lets a host set such limits).
	TooManyHeaders
	// HeaderOrder: a hop-by-hop header that is not the first, or a fragment inside
	// a fragment. The former is answered as an unknown header (RFC 8200 §4.1).
	HeaderOrder
	// HeaderChain: a first fragment without all headers up to that of the
	// transport: Parameter Problem code 3, pointer 0 (RFC 8200 §4.5, RFC 7112).
	HeaderChain
	// UnknownRouting: a routing header that is not yet done, of a type octet does
	// not know: Parameter Problem code 0 (RFC 8200 §4.4, RFC 5095).
	UnknownRouting
	// UnknownOption: an option that is to be refused: Parameter Problem code 2 (RFC 8200 §4.2).
	UnknownOption
	// UnwantedOption: an option that asks for silent discarding (RFC 8200 §4.2).
	UnwantedOption
	// FragmentLength: a fragment, not the last, whose length is no multiple of 8:
	// Parameter Problem code 0 (RFC 8200 §4.5).
	FragmentLength
	// FragmentRange: a fragment that ends past the longest packet: Parameter
	// Problem code 0 (RFC 8200 §4.5).
	FragmentRange

	NumFaults // how many there are
)

var faultNames = [NumFaults]string{
	OK:              "ok",
	Truncated:       "truncated",
	BadVersion:      "wrong IP version",
	BadHeaderLength: "bad header length",
	BadLength:       "bad length",
	BadChecksum:     "bad checksum",
	BadType:         "unknown type",
	BadOption:       "bad option",
	BadAddress:      "bad address",
	TooManyHeaders:  "too many headers or options",
	HeaderOrder:     "headers out of order",
	HeaderChain:     "first fragment without all headers",
	UnknownRouting:  "unknown routing header",
	UnknownOption:   "unknown option",
	UnwantedOption:  "option asks to be discarded",
	FragmentLength:  "fragment length not a multiple of 8",
	FragmentRange:   "fragment past the longest packet",
}

// String returns a few words that name the fault.
func (f Fault) String() string {
	if f < NumFaults {
		return faultNames[f]
	}
	return "unknown fault"
}
