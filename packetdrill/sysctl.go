package packetdrill

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/tcp"
)

// A knob sets the policy that one sysctl stands for. The value is the first number.
type knob func(p *octet.Profile, v int)

// knobs maps the variables of both families to the profile. What is not here has
// no counterpart; a script may set it, to no effect.
var knobs = map[string]knob{
	// FreeBSD, tcp(4).
	"net.inet.tcp.rfc1323": func(p *octet.Profile, v int) {
		p.TCP.WindowScale, p.TCP.Timestamps = v == 1 || v == 2, v == 1 || v == 3
	},
	"net.inet.tcp.sack.enable":       func(p *octet.Profile, v int) { p.TCP.SACK = v != 0 },
	"net.inet.tcp.ecn.enable":        func(p *octet.Profile, v int) { setECN(p, v, freeBSDECN[:]) },
	"net.ipv4.tcp_ecn":               func(p *octet.Profile, v int) { setECN(p, v, linuxECN[:]) },
	"net.inet.tcp.rexmit_initial":    func(p *octet.Profile, v int) { p.TCP.Recovery.InitialRTO = ms(v) },
	"net.inet.tcp.rexmit_min":        func(p *octet.Profile, v int) { p.TCP.Recovery.MinRTO = ms(v) },
	"net.inet.tcp.delacktime":        func(p *octet.Profile, v int) { p.TCP.DelayedAck = ms(v) },
	"net.inet.tcp.delayed_ack":       func(p *octet.Profile, v int) { p.TCP.DelayedAck *= time.Duration(min(v, 1)) },
	"net.inet.tcp.recvspace":         func(p *octet.Profile, v int) { p.TCP.ReceiveBuffer.Initial = v },
	"net.inet.tcp.sendspace":         func(p *octet.Profile, v int) { p.TCP.SendBuffer.Initial = v },
	"net.inet.tcp.recvbuf_max":       func(p *octet.Profile, v int) { p.TCP.ReceiveBuffer.Max = v },
	"net.inet.tcp.sendbuf_max":       func(p *octet.Profile, v int) { p.TCP.SendBuffer.Max = v },
	"net.inet.tcp.msl":               func(p *octet.Profile, v int) { p.TCP.MSL = ms(v) },
	"net.inet.tcp.finwait2_timeout":  func(p *octet.Profile, v int) { p.TCP.FinWait2 = ms(v) },
	"net.inet.tcp.initcwnd_segments": func(p *octet.Profile, v int) { p.TCP.InitialWindow = v },
	"net.inet.ip.ttl":                func(p *octet.Profile, v int) { p.HopLimit = uint8(v) },

	// Linux, tcp(7).
	"net.ipv4.tcp_window_scaling":    func(p *octet.Profile, v int) { p.TCP.WindowScale = v != 0 },
	"net.ipv4.tcp_timestamps":        func(p *octet.Profile, v int) { p.TCP.Timestamps = v != 0 },
	"net.ipv4.tcp_sack":              func(p *octet.Profile, v int) { p.TCP.SACK = v != 0 },
	"net.ipv4.tcp_syn_retries":       func(p *octet.Profile, v int) { p.TCP.SynRetries = v },
	"net.ipv4.tcp_synack_retries":    func(p *octet.Profile, v int) { p.TCP.SynAckRetries = v },
	"net.ipv4.tcp_retries1":          func(p *octet.Profile, v int) { p.TCP.R1 = v },
	"net.ipv4.tcp_retries2":          func(p *octet.Profile, v int) { p.TCP.R2 = v },
	"net.ipv4.tcp_orphan_retries":    func(p *octet.Profile, v int) { p.TCP.OrphanRetries = v },
	"net.ipv4.tcp_fin_timeout":       func(p *octet.Profile, v int) { p.TCP.FinWait2 = time.Duration(v) * time.Second },
	"net.ipv4.tcp_invalid_ratelimit": func(p *octet.Profile, v int) { p.TCP.AckInterval = ms(v) },
	"net.ipv4.tcp_min_snd_mss":       func(p *octet.Profile, v int) { p.TCP.MinMSS = v },
	"net.ipv4.ip_default_ttl":        func(p *octet.Profile, v int) { p.HopLimit = uint8(v) },
}

// What each value asks for, and agrees to at most. The first three are the same in
// both families: never, always, when asked.
var (
	linuxECN = [...][2]tcp.ECN{
		{tcp.NoECN, tcp.NoECN}, {tcp.ClassicECN, tcp.ClassicECN}, {tcp.NoECN, tcp.ClassicECN},
		{tcp.AccurateECN, tcp.AccurateECN}, {tcp.ClassicECN, tcp.AccurateECN}, {tcp.NoECN, tcp.AccurateECN},
	}
	freeBSDECN = [...][2]tcp.ECN{linuxECN[0], linuxECN[1], linuxECN[2], linuxECN[3], linuxECN[5]}
)

// setECN leaves the profile as it is for a value that the family does not know.
func setECN(p *octet.Profile, v int, modes [][2]tcp.ECN) {
	if v >= 0 && v < len(modes) {
		p.TCP.ECN, p.TCP.AcceptECN = modes[v][0], modes[v][1]
	}
}

func ms(v int) time.Duration { return time.Duration(v) * time.Millisecond }

// configure applies the sysctls of a script to a profile: all of them before it
// begins, since a host's policies do not change while it lives.
func configure(s *Script, p *octet.Profile) error {
	for _, e := range s.Events {
		c, ok := e.Action.(*Command)
		if !ok {
			continue
		}
		for _, assignment := range assignments(c.Text) {
			name, value, _ := strings.Cut(assignment, "=")
			set, known := knobs[strings.TrimSpace(name)]
			if !known {
				continue
			}
			v, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return &Error{s.Name, e.Line, fmt.Sprintf("sysctl %s: %q is no number", name, value)}
			}
			set(p, v)
		}
	}
	return nil
}

// assignments returns the name=value arguments of a sysctl command. Other
// commands have none: they are not run.
func assignments(text string) (all []string) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' || r == '&' }) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "sysctl" {
			continue
		}
		for _, w := range words[1:] {
			if strings.Contains(w, "=") {
				all = append(all, strings.Trim(w, `"'`))
			}
		}
	}
	return all
}
