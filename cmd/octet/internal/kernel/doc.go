// Package kernel is the operating system's network as far as package net does not
// show it: what its routing and diagnosis sockets, its counters and ICMP sockets
// tell, and the addresses of its side of a device.
package kernel
