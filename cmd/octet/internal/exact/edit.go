package exact

import (
	"fmt"
	"strings"
)

// An edit changes one place of one file of the Go tree. The place is found by its
// text, which must be there exactly once: where it is not, the tree is not the one
// that the edit was made for, and nothing may be built from a guess.
type edit struct {
	file  string // below src
	find  string
	place placement
	text  string
}

type placement uint8

const (
	before placement = iota
	after
	instead
)

// apply makes the edit in the text of the file.
func (e *edit) apply(text string) (string, error) {
	switch n := strings.Count(text, e.find); n {
	case 1:
	case 0:
		return "", fmt.Errorf("src/%s has no line %q any more", e.file, firstLine(e.find))
	default:
		return "", fmt.Errorf("src/%s has the line %q %d times, and it must be there once", e.file, firstLine(e.find), n)
	}
	switch e.place {
	case before:
		return strings.Replace(text, e.find, e.text+e.find, 1), nil
	case after:
		return strings.Replace(text, e.find, e.find+e.text, 1), nil
	}
	return strings.Replace(text, e.find, e.text, 1), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// runtimeEdits make a bubble repeat itself.
var runtimeEdits = []edit{
	// A goroutine that waits for a mutex waits for another goroutine of its bubble:
	// let virtual time go on meanwhile.
	{"runtime/runtime2.go", "\twaitReasonSyncCondWait:          true,\n", after,
		"\twaitReasonSyncMutexLock: true,\n\twaitReasonSyncRWMutexRLock: true,\n\twaitReasonSyncRWMutexLock: true,\n"},
	{"runtime/runtime2.go", "\tbubble  *synctestBubble\n", after, "\toctetHost uint64\n"},

	// Each bubble draws from a sequence of its own, begun by the seed.
	{"runtime/synctest.go", "\tactive  int // other sources of activity\n", after, "\toctetRand uint64\n"},
	{"runtime/synctest.go", "\tlockInit(&bubble.timers.mu, lockRankTimers)\n", after,
		"\tbubble.octetRand = octetSeed\n\tgp.m.p.ptr().schedtick = 0\n"},
	{"runtime/select.go", "cheaprandn(uint32(norder + 1))", instead, "octetDrawN(uint32(norder + 1))"},
	{"runtime/time.go", "\t\t\tt.rand = cheaprand()\n", instead, "\t\t\tt.rand = uint32(octetDraw())\n"},
	{"runtime/rand.go", "\tmp := getg().m\n\tc := &mp.chacha8\n", before, "\tif octetGolden != 0 {\n\t\treturn octetDraw()\n\t}\n"},

	// What is made before the bubble, such as a map in a package's variable, hashes the
	// same way in each process.
	{"runtime/rand.go", "\tglobalRand.state.Init(*seed)\n", before, "\t*seed = octetBoot\n"},
	{"runtime/rand.go", "\tmp.cheaprand = rand()\n", instead, "\tmp.cheaprand = bootstrapRand()\n"},

	// One processor from the first moment: with two, what is allocated where is chance.
	{"runtime/proc.go", "\t\tprocs = defaultGOMAXPROCS(numCPUStartup)\n", instead, "\t\tprocs = 1\n\t\tsched.customGOMAXPROCS = true\n"},

	// The wall clock changes no order: not by time slices, not by taking the processor
	// from a system call, not through a mutex that starves.
	{"runtime/proc.go", "const randomizeScheduler = raceenabled\n", instead, "const randomizeScheduler = false\n"},
	{"runtime/proc.go", "} else if pd.schedwhen+forcePreemptNS <= now {\n", instead, "} else if pd.schedwhen+octetSlice(pp) <= now {\n"},
	{"runtime/proc.go", "\t\t// Retake the P if it's there for more than 1 sysmon tick (at least 20us).\n", before,
		"\t\tif !sysretake && octetBubbled(pp) {\n\t\t\tthread.resume()\n\t\t\tgoto done\n\t\t}\n\n"},
	{"runtime/proc.go", "\trunqput(mp.p.ptr(), gp, next)\n\twakep()\n\treleasem(mp)\n", instead,
		"\trunqput(mp.p.ptr(), gp, next && gp.bubble != nil)\n\twakep()\n\treleasem(mp)\n"},
	{"runtime/sema.go", "func internal_sync_nanotime() int64 {\n", after,
		"\tif b := getg().bubble; b != nil {\n\t\treturn b.now\n\t}\n"},

	// Who yields comes after all who are ready, not after as many as the rest of the
	// process happened to leave of 61 turns.
	{"runtime/synctest.go", "\tgp.bubble = bubble\n\tdefer func() {\n", instead,
		"\toctetBubbles.Add(1)\n\tgp.bubble = bubble\n\tdefer func() {\n\t\toctetBubbles.Add(-1)\n"},
	{"runtime/proc.go", "\tif pp.schedtick%61 == 0 && !sched.runq.empty() {\n", instead, "\tif octetBubbles.Load() == 0 && pp.schedtick%61 == 0 && !sched.runq.empty() {\n"},

	// A goroutine, and the function of a timer, runs on the host of its maker.
	{"runtime/proc.go", "\t\tnewg.bubble = callergp.bubble\n", after, "\t\tnewg.octetHost = callergp.octetHost\n"},
	{"runtime/proc.go", "\tgp.bubble = nil\n\tgp.fipsOnlyBypass = false\n", after, "\tgp.octetHost = 0\n"},
	{"runtime/time.go", "\tisFake bool         // timer is using fake time; immutable; can be read without lock\n", after, "\toctetHost uint64\n"},
	{"runtime/time.go", "\tt.modify(when, period, f, arg, 0)\n\tt.init = true\n", before, "\tt.octetHost = getg().octetHost\n"},
	{"runtime/time.go", "\t\tgp.bubble = bubble\n\t\tbubble.changegstatus(gp, _Gdead, _Grunning)\n", after, "\t\tgp.octetHost = t.octetHost\n"},
	{"runtime/time.go", "\t\tgp.bubble = nil\n\t}\n\n\tif ts != nil {\n", before, "\t\tgp.octetHost = 0\n"},
}

// netEdits lead the calls of package net that a virtual host can answer to it.
var netEdits = []edit{
	{"net/dial.go", "func (d *Dialer) DialContext(ctx context.Context, network, address string) (Conn, error) {\n\tctx, cancel := d.dialCtx(ctx)\n\tdefer cancel()\n", after,
		"\tif OctetRoute != nil {\n\t\tif c, err, ok := OctetRoute.Dial(ctx, d.LocalAddr, network, address); ok {\n\t\t\treturn c, err\n\t\t}\n\t}\n"},
	{"net/dial.go", "func (lc *ListenConfig) Listen(ctx context.Context, network, address string) (Listener, error) {\n", after,
		"\tif OctetRoute != nil {\n\t\tif l, err, ok := OctetRoute.Listen(ctx, network, address); ok {\n\t\t\treturn l, err\n\t\t}\n\t}\n"},
	{"net/dial.go", "func (lc *ListenConfig) ListenPacket(ctx context.Context, network, address string) (PacketConn, error) {\n", after,
		"\tif OctetRoute != nil {\n\t\tif c, err, ok := OctetRoute.ListenPacket(ctx, network, address); ok {\n\t\t\treturn c, err\n\t\t}\n\t}\n"},
	{"net/lookup.go", "\ttrace, _ := ctx.Value(nettrace.TraceKey{}).(*nettrace.Trace)\n\tif trace != nil && trace.DNSStart != nil {\n", before,
		"\tif found, err, ok := octetLookup(ctx, network, host); ok {\n\t\treturn found, err\n\t}\n"},
	{"net/lookup.go", "\treturn r.lookupHost(ctx, host)\n", before,
		"\tif found, err, ok := octetLookup(ctx, \"ip\", host); ok {\n\t\tfor _, a := range found {\n\t\t\taddrs = append(addrs, a.String())\n\t\t}\n\t\treturn addrs, err\n\t}\n"},
	refusal("net/tcpsock.go", "func dialTCP(ctx context.Context, dialer *Dialer, network string, laddr, raddr *TCPAddr) (*TCPConn, error) {\n", "dial"),
	refusal("net/tcpsock.go", "func ListenTCP(network string, laddr *TCPAddr) (*TCPListener, error) {\n", "listen"),
	refusal("net/udpsock.go", "func dialUDP(ctx context.Context, dialer *Dialer, network string, laddr, raddr *UDPAddr) (*UDPConn, error) {\n", "dial"),
	refusal("net/udpsock.go", "func ListenUDP(network string, laddr *UDPAddr) (*UDPConn, error) {\n", "listen"),
}

// refusal makes a function that can return nothing but a socket of the system refuse
// the goroutines of virtual hosts.
func refusal(file, find, call string) edit {
	return edit{file, find, after, "\tif err := octetRefuse(\"" + call + "\", network); err != nil {\n\t\treturn nil, err\n\t}\n"}
}
