// Package ip is everything about a packet but its payload: addresses and routes,
// what becomes of an arrived packet, fragments, ICMP, multicast membership, and
// the neighbours on a link.
//
// A Node is pure: it is told the time and handed a packet, and answers with a
// Verdict. What it wants sent comes out of Output, and Deadline says when it wants
// to be called again. It owns no clock, goroutine or lock, calls nobody back, and
// draws its secrets from the key that it was given, so the same calls give the
// same packets.
//
// What is read for every packet and changes seldom (interfaces, addresses,
// routes) lies in an immutable Tables, which the owner may publish: a connection
// keeps the Path it was given and asks again when the Generation is another.
//
// Nothing that arrives can make a Node panic or hold more memory than its Config
// allows. It refuses what the RFCs of today refuse: source routes, routing header
// type 0, overlapping fragments, packets that claim to come from ourselves.
package ip
