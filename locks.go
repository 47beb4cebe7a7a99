package octet

// The locks of a host, outermost first. Whoever holds one takes only such that
// stand further down.
//
//	listener.mu   backlog and accept queue, and what becomes of connections in SYN-RECEIVED
//	Socket.mu     one connection: its machine, options and waiting programs
//	UDPConn.mu    one datagram socket: its queue and waiting programs
//	ipLayer.mu    the ip.Node of the host
//	link queues   inside Device.Send
//
// Leaves, under which nothing is taken:
//
//	connTable     one per shard: connections by tuple
//	timeWaits     records of TIME-WAIT
//	portTable     who is bound where, and listeners by address
//	watchers      changes to be told
//	pings         echo requests that wait for their answers
//	names, ports  the table of hosts, the counter of ephemeral ports
//	timeline      inside Event.Set
//	fastMemory    what is known of servers for Fast Open
//	fastQueue     connections of a listener that a Fast Open has accepted early
//
// No lock is held while a packet is delivered (Device.Flush), while a program
// waits (sync.Cond.Wait gives up the one it stands on, and no other is held), or
// while a callback of the user runs (link.Observer, Socket.Notify, Host.Watch). event in event.go
// is how that is kept: it collects what must happen without a lock and does it
// at its end.
