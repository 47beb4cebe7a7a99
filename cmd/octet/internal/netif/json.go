package netif

// Body is an interface in the JSON output. Its keys are iproute2's (ip -j address),
// but for options and features, which iproute2 does not show, and flags_value.
type Body struct {
	Index      int        `json:"ifindex"`
	Name       string     `json:"ifname"`
	Flags      []string   `json:"flags"`
	FlagsValue uint32     `json:"flags_value"`
	MTU        int        `json:"mtu"`
	OperState  string     `json:"operstate,omitempty"`
	QueueLen   int        `json:"txqlen,omitempty"`
	Link       string     `json:"link_type"`
	MAC        string     `json:"address,omitempty"`
	BroadMAC   string     `json:"broadcast,omitempty"`
	Options    []string   `json:"options,omitempty"`
	Features   []string   `json:"features,omitempty"`
	Addrs      []AddrBody `json:"addr_info"`
}

// AddrBody is an address in the JSON output, with iproute2's keys. The lifetimes
// are in seconds, 4294967295 without end.
type AddrBody struct {
	Family    string `json:"family"`
	Local     string `json:"local"`
	Peer      string `json:"address,omitempty"`
	PrefixLen int    `json:"prefixlen"`
	Broadcast string `json:"broadcast,omitempty"`
	Scope     string `json:"scope"`
	Label     string `json:"label,omitempty"`
	Valid     uint32 `json:"valid_life_time"`
	Preferred uint32 `json:"preferred_life_time"`
}

// Body returns the interface as it is written in JSON.
func (i *Interface) Body() Body {
	names, _ := i.Flags.Names()
	b := Body{
		Index: i.Index, Name: i.Name, MTU: i.MTU, Flags: names, FlagsValue: i.Flags.Value,
		OperState: i.OperState, QueueLen: i.QueueLen, Link: i.Link,
		MAC: i.MAC.String(), BroadMAC: i.BroadMAC.String(), Features: i.Features, Addrs: []AddrBody{},
	}
	if i.Options != nil {
		b.Options, _ = i.Options.Names()
	}
	for _, a := range i.Addrs {
		b.Addrs = append(b.Addrs, a.body())
	}
	return b
}

func (a *Addr) body() AddrBody {
	b := AddrBody{
		Family: "inet", Local: a.Prefix.Addr().String(), PrefixLen: a.Prefix.Bits(),
		Scope: a.Scope, Label: a.Label, Valid: a.Valid, Preferred: a.Preferred,
	}
	if !a.Prefix.Addr().Is4() {
		b.Family = "inet6"
	}
	if a.Broadcast.IsValid() {
		b.Broadcast = a.Broadcast.String()
	}
	if a.Peer.IsValid() {
		b.Peer = a.Peer.String()
	}
	return b
}
