package packetdrill

// constants are the names that scripts write for numbers, with the values that
// Linux gives them; only their meaning to octet counts.
var constants = map[string]int64{
	"SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_NONBLOCK": 0o4000, "SOCK_CLOEXEC": 0o2000000,
	"AF_INET": 2, "AF_INET6": 10, "PF_INET": 2, "PF_INET6": 10,
	"IPPROTO_IP": 0, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "IPPROTO_IPV6": 41,
	"O_RDONLY": 0, "O_RDWR": 2, "O_NONBLOCK": 0o4000,
	"F_GETFL": 3, "F_SETFL": 4,
	"SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2,
	"MSG_OOB": 1, "MSG_PEEK": 2, "MSG_DONTWAIT": 0x40, "MSG_WAITALL": 0x100, "MSG_NOSIGNAL": 0x4000, "MSG_TRUNC": 0x20, "MSG_FASTOPEN": 0x20000000,
	"SOL_SOCKET": 1, "SOL_IP": 0, "SOL_IPV6": 41, "SOL_TCP": 6,
	"SO_REUSEADDR": 2, "SO_ERROR": 4, "SO_SNDBUF": 7, "SO_RCVBUF": 8, "SO_KEEPALIVE": 9, "SO_LINGER": 13, "SO_REUSEPORT": 15,
	"IP_TOS": 1, "IP_TTL": 2,
	"IPV6_UNICAST_HOPS": 16, "IPV6_V6ONLY": 26, "IPV6_TCLASS": 67,
	"TCP_NODELAY": 1, "TCP_MAXSEG": 2, "TCP_CORK": 3, "TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 6,
	"TCP_USER_TIMEOUT": 18, "TCP_INFO": 11, "TCP_CONGESTION": 13, "TCP_QUICKACK": 12, "TCP_FASTOPEN": 23, "TCP_FASTOPEN_CONNECT": 30,
	"POLLIN": 1, "POLLOUT": 4, "POLLERR": 8, "POLLHUP": 16, "POLLRDHUP": 0x2000,
	"FIONREAD": 0x541B, "SIOCINQ": 0x541B, "SIOCOUTQ": 0x5411,
	"IPTOS_DSCP_CS0": 0x00, "IPTOS_DSCP_CS1": 0x20, "IPTOS_DSCP_CS2": 0x40, "IPTOS_DSCP_CS3": 0x60,
	"IPTOS_DSCP_CS4": 0x80, "IPTOS_DSCP_CS5": 0xa0, "IPTOS_DSCP_CS6": 0xc0, "IPTOS_DSCP_CS7": 0xe0,
	"IPTOS_DSCP_EF": 0xb8, "IPTOS_LOWDELAY": 0x10, "IPTOS_THROUGHPUT": 0x08, "IPTOS_RELIABILITY": 0x04,
}

// number64 evaluates an argument that is a number, a name for one, or several
// joined by |.
func number64(e Expr) (int64, bool) {
	switch e := e.(type) {
	case Int:
		return e.V, true
	case Word:
		v, ok := constants[string(e)]
		return v, ok
	case Or:
		var all int64
		for _, x := range e {
			v, ok := number64(x)
			if !ok {
				return 0, false
			}
			all |= v
		}
		return all, true
	}
	return 0, false
}
