// Package kernel is the operating system's network as far as package net does not
// show it: what rtnetlink, /proc/net and ICMP sockets tell, and the addresses of its
// side of a device. On systems other than Linux it shows nothing.
package kernel
