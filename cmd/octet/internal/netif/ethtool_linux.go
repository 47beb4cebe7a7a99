package netif

import (
	"encoding/binary"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands of the SIOCETHTOOL ioctl (linux/ethtool.h) that x/sys has no call for.
const (
	ethtoolGetStrings    = 0x1b
	ethtoolGetStringSets = 0x37
	ethtoolGetFeatures   = 0x3a
	featureStrings       = 4 // ETH_SS_FEATURES
	stringLen            = 32
)

// optionOf says which of the options that ifconfig shows a feature of Linux is. An
// option is on if one of its features is.
var optionOf = map[string]string{
	"rx-checksum":            "RXCSUM",
	"tx-checksum-ipv4":       "TXCSUM",
	"tx-checksum-ipv6":       "TXCSUM",
	"tx-checksum-ip-generic": "TXCSUM",
	"tx-vlan-hw-insert":      "VLAN_HWTAGGING",
	"rx-vlan-hw-parse":       "VLAN_HWTAGGING",
	"tx-tcp-segmentation":    "TSO4",
	"tx-tcp6-segmentation":   "TSO6",
	"rx-lro":                 "LRO",
}

// askDrivers fills in the options and features of the interfaces, as far as their
// drivers tell. One that does not tell has none: that is no failure.
func askDrivers(all []Interface) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for k := range all {
		askDriver(fd, &all[k])
	}
}

func askDriver(fd int, in *Interface) {
	names, on, ok := features(fd, in.Name)
	if !ok {
		return
	}
	w := &Word{Table: MacOptions}
	for i, name := range names {
		if i/32 < len(on) && on[i/32]&(1<<(i%32)) != 0 && name != "" {
			in.Features = append(in.Features, name)
			w.Value |= MacOptions.mask(optionOf[name])
		}
	}
	slices.Sort(in.Features)
	if ts, err := unix.IoctlGetEthtoolTsInfo(fd, in.Name); err == nil {
		w.Value |= stampOptions(ts.So_timestamping)
	}
	in.Options = w
}

func stampOptions(can uint32) uint32 {
	var v uint32
	if can&(unix.SOF_TIMESTAMPING_TX_HARDWARE|unix.SOF_TIMESTAMPING_RX_HARDWARE) != 0 {
		v |= MacOptions.mask("HW_TIMESTAMP")
	}
	if can&(unix.SOF_TIMESTAMPING_TX_SOFTWARE|unix.SOF_TIMESTAMPING_RX_SOFTWARE) != 0 {
		v |= MacOptions.mask("SW_TIMESTAMP")
	}
	return v
}

// features returns the names of all features that the kernel knows, and a bit set
// of those that are on.
func features(fd int, ifname string) (names []string, on []uint32, ok bool) {
	n, ok := stringCount(fd, ifname)
	if !ok {
		return nil, nil, false
	}
	names, ok = featureNames(fd, ifname, n)
	if !ok {
		return nil, nil, false
	}
	// struct ethtool_gfeatures: cmd, size, and size blocks of available,
	// requested, active, never_changed.
	blocks := (n + 31) / 32
	req := make([]byte, 8+16*blocks)
	binary.NativeEndian.PutUint32(req, ethtoolGetFeatures)
	binary.NativeEndian.PutUint32(req[4:], uint32(blocks))
	if !ethtool(fd, ifname, req) {
		return nil, nil, false
	}
	for b := range blocks {
		on = append(on, binary.NativeEndian.Uint32(req[8+16*b+8:]))
	}
	return names, on, true
}

// stringCount asks how many features have names: struct ethtool_sset_info.
func stringCount(fd int, ifname string) (int, bool) {
	req := make([]byte, 20)
	binary.NativeEndian.PutUint32(req, ethtoolGetStringSets)
	binary.NativeEndian.PutUint64(req[8:], 1<<featureStrings)
	ok := ethtool(fd, ifname, req)
	n := binary.NativeEndian.Uint32(req[16:])
	return int(n), ok && n > 0 && n < 1<<12
}

// featureNames asks for their names: struct ethtool_gstrings.
func featureNames(fd int, ifname string, n int) ([]string, bool) {
	req := make([]byte, 12+stringLen*n)
	binary.NativeEndian.PutUint32(req, ethtoolGetStrings)
	binary.NativeEndian.PutUint32(req[4:], featureStrings)
	binary.NativeEndian.PutUint32(req[8:], uint32(n))
	if !ethtool(fd, ifname, req) {
		return nil, false
	}
	names := make([]string, n)
	for i := range names {
		names[i] = cString(req[12+stringLen*i:][:stringLen])
	}
	return names, true
}

// ethtool runs one request: struct ifreq with a pointer to the request.
func ethtool(fd int, ifname string, req []byte) bool {
	var ifr struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	if len(ifname) >= unix.IFNAMSIZ {
		return false
	}
	copy(ifr.name[:], ifname)
	ifr.data = unsafe.Pointer(&req[0])
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifr)))
	runtime.KeepAlive(req)
	return errno == 0
}

// mask returns the bit of a name, or zero if there is none.
func (t *Table) mask(name string) uint32 {
	for _, b := range t.Bits {
		if b.Named(name) {
			return b.Mask
		}
	}
	return 0
}
