package netif

// BSDFlags are the flags of an interface on macOS and the BSDs (net/if.h). Those
// above 0x8000 are FreeBSD's.
var BSDFlags = &Table{"BSD and macOS", []Bit{
	bit(0x1, "UP", "the interface is switched on"),
	bit(0x2, "BROADCAST", "one packet can be sent to everybody on the link; there is a broadcast address"),
	bit(0x4, "DEBUG", "the driver reports what it does"),
	bit(0x8, "LOOPBACK", "what is sent comes back to this machine: no wire is behind it"),
	bit(0x10, "POINTOPOINT", "the link has one other end only, as a tunnel or a serial line has"),
	bit(0x20, "SMART|NOTRAILERS|STATICARP|KNOWSEPOCH|NEEDSGIANT", "the driver manages itself (macOS); a mark of other meaning on each BSD"),
	bit(0x40, "RUNNING|DRV_RUNNING", "the driver has what it needs to send and receive"),
	bit(0x80, "NOARP", "addresses of the link are not asked for with ARP"),
	bit(0x100, "PROMISC", "it receives every packet on the link, not only those to this machine"),
	bit(0x200, "ALLMULTI", "it receives every multicast packet on the link"),
	bit(0x400, "OACTIVE|DRV_OACTIVE", "the driver's send queue is full for now"),
	bit(0x800, "SIMPLEX", "it does not hear what it sends itself"),
	bit(0x1000, "LINK0", "the first switch that each driver uses as it likes"),
	bit(0x2000, "LINK1", "the second switch that each driver uses as it likes"),
	bit(0x4000, "LINK2|ALTPHYS", "the third switch that each driver uses as it likes"),
	bit(0x8000, "MULTICAST", "packets can be sent to groups of machines (RFC 1112)"),
	bit(0x10000, "CANTCONFIG", "it cannot be configured (FreeBSD)"),
	bit(0x20000, "PPROMISC", "a user asked for every packet on the link (FreeBSD)"),
	bit(0x40000, "MONITOR", "what arrives is shown to captures and then dropped (FreeBSD)"),
	bit(0x80000, "STATICARP", "only ARP entries made by hand are used (FreeBSD)"),
	bit(0x200000, "DYING", "it is being removed (FreeBSD)"),
	bit(0x400000, "RENAMING", "it is being renamed (FreeBSD)"),
	bit(0x1000000, "LOWER_UP", "the layer below has a connection: cable, radio or peer (FreeBSD)"),
}}

// LinuxFlags are the flags of an interface on Linux (linux/if.h).
var LinuxFlags = &Table{"Linux", []Bit{
	bit(0x1, "UP", "the interface is switched on"),
	bit(0x2, "BROADCAST", "one packet can be sent to everybody on the link; there is a broadcast address"),
	bit(0x4, "DEBUG", "the driver reports what it does"),
	bit(0x8, "LOOPBACK", "what is sent comes back to this machine: no wire is behind it"),
	bit(0x10, "POINTOPOINT|POINTTOPOINT", "the link has one other end only, as a tunnel or a serial line has"),
	bit(0x20, "NOTRAILERS", "frames carry their headers in front, not behind (of no use today)"),
	bit(0x40, "RUNNING", "the interface can carry packets now (operational state up, RFC 2863)"),
	bit(0x80, "NOARP", "addresses of the link are not asked for with ARP"),
	bit(0x100, "PROMISC", "it receives every packet on the link, not only those to this machine"),
	bit(0x200, "ALLMULTI", "it receives every multicast packet on the link"),
	bit(0x400, "MASTER", "it spreads its packets over other interfaces"),
	bit(0x800, "SLAVE", "another interface spreads packets over it"),
	bit(0x1000, "MULTICAST", "packets can be sent to groups of machines (RFC 1112)"),
	bit(0x2000, "PORTSEL", "the kind of connector can be chosen"),
	bit(0x4000, "AUTOMEDIA", "the kind of connector is chosen by itself"),
	bit(0x8000, "DYNAMIC", "its addresses go when it is switched off"),
	bit(0x10000, "LOWER_UP", "the layer below has a connection: cable, radio or peer"),
	bit(0x20000, "DORMANT", "it waits for something outside, such as a login to the link"),
	bit(0x40000, "ECHO", "what is sent is also received here"),
}}

// MacOptions are the capabilities of an interface on macOS, in the order of its
// ifconfig. What Linux says through ethtool is written with these numbers too.
var MacOptions = &Table{"macOS", []Bit{
	bit(0x1, "RXCSUM", "checksums of received packets are checked by the hardware (or need no check)"),
	bit(0x2, "TXCSUM", "checksums of sent packets are computed by the hardware (or are not needed)"),
	bit(0x4, "VLAN_MTU", "a VLAN tag fits beside packets of the full MTU"),
	bit(0x8, "VLAN_HWTAGGING", "VLAN tags are put on and taken off by the hardware"),
	bit(0x10, "JUMBO_MTU", "packets of about 9,000 octets fit"),
	bit(0x20, "TSO4", "long TCP segments over IPv4 are cut to packets by the hardware (TCP segmentation offload)"),
	bit(0x40, "TSO6", "long TCP segments over IPv6 are cut to packets by the hardware (TCP segmentation offload)"),
	bit(0x80, "LRO", "received TCP packets are joined to long ones by the hardware (large receive offload)"),
	bit(0x100, "AV", "audio and video streams get reserved time (IEEE 802.1 AVB)"),
	bit(0x200, "TXSTATUS", "the driver tells the stack what became of each packet it sent"),
	bit(0x400, "CHANNEL_IO|SKYWALK", "programs can exchange packets with the driver through shared memory"),
	bit(0x800, "HW_TIMESTAMP", "packets get their time from the hardware"),
	bit(0x1000, "SW_TIMESTAMP", "packets get their time from the system's software"),
	bit(0x2000, "PARTIAL_CSUM|CSUM_PARTIAL", "the hardware sums the part of a packet that the stack names"),
	bit(0x4000, "ZEROINVERT_CSUM|CSUM_ZERO_INVERT", "the hardware writes a checksum of zero as all ones, as UDP wants (RFC 768)"),
	bit(0x8000, "LRO_NUM_SEG", "the driver says how many packets it joined to one"),
}}

// FreeBSDOptions are the capabilities of an interface on FreeBSD.
var FreeBSDOptions = &Table{"FreeBSD", []Bit{
	bit(0x1, "RXCSUM", "checksums of packets received over IPv4 are checked by the hardware"),
	bit(0x2, "TXCSUM", "checksums of packets sent over IPv4 are computed by the hardware"),
	bit(0x4, "NETCONS", "the system's console can run over it"),
	bit(0x8, "VLAN_MTU", "a VLAN tag fits beside packets of the full MTU"),
	bit(0x10, "VLAN_HWTAGGING", "VLAN tags are put on and taken off by the hardware"),
	bit(0x20, "JUMBO_MTU", "packets of about 9,000 octets fit"),
	bit(0x40, "POLLING", "the system asks it for packets instead of being interrupted"),
	bit(0x80, "VLAN_HWCSUM", "checksums of packets with a VLAN tag are the hardware's work"),
	bit(0x100, "TSO4", "long TCP segments over IPv4 are cut to packets by the hardware (TCP segmentation offload)"),
	bit(0x200, "TSO6", "long TCP segments over IPv6 are cut to packets by the hardware (TCP segmentation offload)"),
	bit(0x400, "LRO", "received TCP packets are joined to long ones (large receive offload)"),
	bit(0x800, "WOL_UCAST", "a packet to its address wakes the machine"),
	bit(0x1000, "WOL_MCAST", "a packet to one of its groups wakes the machine"),
	bit(0x2000, "WOL_MAGIC", "a magic packet wakes the machine"),
	bit(0x4000, "TOE4|TOE", "TCP over IPv4 can run on the hardware"),
	bit(0x8000, "TOE6", "TCP over IPv6 can run on the hardware"),
	bit(0x10000, "VLAN_HWFILTER", "packets of foreign VLANs are dropped by the hardware"),
	bit(0x40000, "VLAN_HWTSO", "long TCP segments with a VLAN tag are cut by the hardware"),
	bit(0x80000, "LINKSTATE", "it knows whether the link is connected"),
	bit(0x100000, "NETMAP", "programs can exchange packets with the driver through shared memory (netmap)"),
	bit(0x200000, "RXCSUM_IPV6", "checksums of packets received over IPv6 are checked by the hardware"),
	bit(0x400000, "TXCSUM_IPV6", "checksums of packets sent over IPv6 are computed by the hardware"),
	bit(0x800000, "HWSTATS", "packets are counted by the hardware"),
	bit(0x1000000, "TXRTLMT", "the hardware limits the rate of single connections"),
	bit(0x2000000, "HWRXTSTMP", "received packets get their time from the hardware"),
	bit(0x4000000, "MEXTPG|NOMAP", "data of files can be sent from memory that is not mapped"),
	bit(0x8000000, "TXTLS4", "TLS over IPv4 is encrypted by the hardware"),
	bit(0x10000000, "TXTLS6", "TLS over IPv6 is encrypted by the hardware"),
	bit(0x20000000, "VXLAN_HWCSUM", "checksums inside VXLAN are the hardware's work"),
	bit(0x40000000, "VXLAN_HWTSO", "long TCP segments inside VXLAN are cut by the hardware"),
	bit(0x80000000, "TXTLS_RTLMT", "the hardware limits the rate of TLS connections"),
}}

// ND6Options are the switches of neighbour discovery (RFC 4861) on an interface of
// macOS or FreeBSD, as far as both give them the same number or name.
var ND6Options = &Table{"macOS and FreeBSD", []Bit{
	bit(0x1, "PERFORMNUD", "neighbours that fell silent are asked whether they are still there (RFC 4861 §7.3)"),
	bit(0x2, "ACCEPT_RTADV", "what routers advertise is believed (RFC 4862)"),
	bit(0x4, "PREFER_SOURCE", "its addresses are preferred as source"),
	bit(0x8, "IFDISABLED", "IPv6 is switched off, after a duplicate address for example"),
	bit(0x10, "DONT_SET_IFROUTE", "prefixes that routers advertise make no route"),
	bit(0x20, "AUTO_LINKLOCAL|PROXY_PREFIXES", "a link-local address is made by itself (FreeBSD); prefixes are proxied (macOS)"),
	bit(0x40, "NO_RADR|IGNORE_NA", "no default router is taken (FreeBSD); advertisements of neighbours are ignored (macOS)"),
	bit(0x80, "NO_PREFER_IFACE|INSECURE", "it is not preferred (FreeBSD); addresses are made without cryptography (macOS)"),
	bit(0x100, "NO_DAD|REPLICATED", "duplicates are not looked for (FreeBSD); addresses are copied from another host (macOS)"),
	bit(0x200, "DAD|DEFROUTER_MNGD", "a new address is checked for duplicates before use (RFC 4862 §5.4)"),
}}
