// Package vnet is a network in memory: hosts, switches, cables, routers, NATs and
// firewalls, joined by links that delay, lose, repeat, reorder and corrupt packets
// as they are told, under one scheduler.
//
// A Net belongs to one timeline. In real time it is a laboratory; inside a
// testing/synctest bubble its hours take milliseconds (package sim). It has no
// goroutine of its own: events of the timeline move the packets.
//
// What chance does to a packet is drawn from the seed, the link, the flow and the
// number of the packet in its flow, and packets that leave in one microsecond are
// put in an order that no race between goroutines can change. So two runs with one
// seed make the same faults; whether they are the same packet by packet depends on
// the programs too, and Net.Trace tells.
//
// What the network knows of its own hosts it does not send over the links: names
// are looked up, and neighbours found, without a packet (Options.WireARP has ARP
// and NDP sent). Hosts have IPv4 addresses; a Switch or Cable with a Prefix of IPv6
// gives its hosts such addresses too.
//
// Mistakes in a topology are errors that begin with the file and line of the call.
package vnet
