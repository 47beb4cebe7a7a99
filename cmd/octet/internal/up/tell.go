package up

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/link"
)

// Events are the objects of the JSON output, besides start and end.
var Events = report.Events{
	"up":      {upBody{}},
	"service": {serviceBody{}},
	"forward": {forwardBody{}},
	"closed":  {forwardBody{}, passedBody{}},
	"change":  {changeBody{}},
}

type upBody struct {
	Name     string   `json:"ifname"`
	Kind     string   `json:"kind" jsonschema:"tun, tap or eth"`
	Made     bool     `json:"made" jsonschema:"the interface was made for this and goes with it"`
	MTU      int      `json:"mtu"`
	MAC      string   `json:"address,omitempty"`
	Local    []string `json:"local" jsonschema:"addresses of the stack"`
	Kernel   []string `json:"kernel" jsonschema:"addresses that the kernel's side was given"`
	Gateways []string `json:"gateways"`
}

type serviceBody struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type forwardBody struct {
	Port uint16 `json:"port"`
	To   string `json:"to"`
}

type passedBody struct {
	Peer  string `json:"peer"`
	In    int64  `json:"in_octets" jsonschema:"from the peer"`
	Out   int64  `json:"out_octets" jsonschema:"to the peer"`
	Error string `json:"error,omitempty"`
}

// changeBody is what happened to the stack without being asked for.
type changeBody struct {
	Kind string `json:"change" jsonschema:"what happened, in words: address ready, address taken, address conflict, MTU changed, …"`
	Name string `json:"ifname"`
	Addr string `json:"local,omitempty"`
	MAC  string `json:"address,omitempty" jsonschema:"of who has the address"`
	MTU  int    `json:"mtu,omitempty"`
}

// tell reports a change. The end of the device is told as the reason to stop.
func (u *Run) tell(c octet.Change) {
	if c.Kind == octet.DeviceEnded || c.Kind == octet.HostClosed {
		return
	}
	u.Report.Printf("%s\n", c)
	body := changeBody{Kind: c.Kind.String(), Name: c.Name, MTU: c.MTU, MAC: c.MAC.String()}
	if c.Addr.IsValid() {
		body.Addr = c.Addr.String()
	}
	u.Report.Event("change", body)
}

// traffic counts what passed.
type traffic struct {
	device                                   link.Stats
	connections, failed, inOctets, outOctets atomic.Int64
}

// A Summary says what passed in all.
type Summary struct {
	Received       uint64 `json:"rx_packets" jsonschema:"from the device"`
	ReceivedOctets uint64 `json:"rx_octets"`
	Sent           uint64 `json:"tx_packets"`
	SentOctets     uint64 `json:"tx_octets"`
	Dropped        uint64 `json:"dropped_packets" jsonschema:"that the device could not take or give"`
	Forwarded      int64  `json:"forwarded_connections"`
	Failed         int64  `json:"failed_connections" jsonschema:"that led nowhere or broke off"`
	In             int64  `json:"in_octets" jsonschema:"forwarded to where the ports lead"`
	Out            int64  `json:"out_octets" jsonschema:"forwarded back"`

	forwards bool
	passed   time.Duration
}

// Summary returns what passed so far.
func (u *Run) Summary() Summary {
	t := &u.traffic
	return Summary{
		Received: t.device.Received, ReceivedOctets: t.device.ReceivedOctets,
		Sent: t.device.Sent, SentOctets: t.device.SentOctets,
		Dropped:   t.device.SendDropped + t.device.ReceiveDropped,
		Forwarded: t.connections.Load(), Failed: t.failed.Load(), In: t.inOctets.Load(), Out: t.outOctets.Load(),
		forwards: len(u.Forwards) > 0, passed: time.Since(u.begun),
	}
}

// String is the summary in a line.
func (s Summary) String() string {
	line := fmt.Sprintf("%s: received %s packets, %s octets; sent %s packets, %s octets; dropped %s",
		s.passed.Round(time.Millisecond), quantity.Group(s.Received), quantity.Group(s.ReceivedOctets),
		quantity.Group(s.Sent), quantity.Group(s.SentOctets), quantity.Group(s.Dropped))
	if s.forwards {
		line += fmt.Sprintf("; forwarded %s connections, %s failed, %s octets in, %s out",
			quantity.Group(s.Forwarded), quantity.Group(s.Failed), quantity.Group(s.In), quantity.Group(s.Out))
	}
	return line
}

// announce says what the stack is and how to reach it.
func (u *Run) announce() {
	s := u.stack
	body := upBody{
		Name: s.Info.Name, Kind: string(u.Device.Kind), Made: s.Made, MTU: s.Info.MTU,
		Local: texts(s.Ours), Kernel: texts(s.Kernels), Gateways: texts(s.Gateways),
	}
	what := strings.ToUpper(string(u.Device.Kind))
	if u.Device.Kind == device.Eth {
		what = "beside the kernel"
	}
	u.Report.Printf("%s is up: %s, MTU %s\n", s.Info.Name, what, quantity.Group(s.Info.MTU))
	if s.Info.Ethernet {
		body.MAC = macText(s.Info.MAC)
		u.row("Ethernet", body.MAC)
	}
	u.row("this stack", strings.Join(body.Local, ", "))
	if len(body.Kernel) > 0 {
		u.row("the kernel", strings.Join(body.Kernel, ", "))
	}
	if len(body.Gateways) > 0 {
		u.row("gateway", strings.Join(body.Gateways, ", "))
	}
	for _, why := range s.Left {
		u.Report.Notef("left out: %v", why)
	}
	u.Report.Event("up", body)
	u.announceServices()
}

// announceServices says where they are: for text, with the commands to try.
func (u *Run) announceServices() {
	host := u.stack.Ours[0].Addr()
	u.row("try", "ping "+host.String())
	if u.Serve {
		for _, s := range services {
			u.row("try", s.try(host))
			u.Report.Event("service", serviceBody{s.name, s.at(host)})
		}
	}
	for _, f := range u.Forwards {
		u.row("forward", fmt.Sprintf("%s → %s", netip.AddrPortFrom(host, f.Port), f.Address()))
		u.Report.Event("forward", forwardBody{f.Port, f.Address()})
	}
	u.Report.Notef("Ctrl-C ends it")
}

func (u *Run) row(what, text string) { u.Report.Printf("  %-10s  %s\n", what, text) }

func texts[T fmt.Stringer](list []T) []string {
	all := []string{}
	for _, x := range list {
		all = append(all, x.String())
	}
	return all
}

func macText(mac [6]byte) string {
	parts := make([]string, len(mac))
	for i, b := range mac {
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}

// hostPort writes an address with a port for a URL; port 80 of http goes unsaid.
func hostPort(scheme string, a netip.Addr, port uint16) string {
	host := a.String()
	if a.Is6() {
		host = "[" + host + "]"
	}
	if scheme == "http" && port == httpPort {
		return scheme + "://" + host + "/"
	}
	return scheme + "://" + host + ":" + strconv.Itoa(int(port))
}
