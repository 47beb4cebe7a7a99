package vnet

// A Router forwards between its networks: it counts hop limits down, answers what
// is too old or too long for the next link (RFC 1812, RFC 1191), and fragments.
// Hosts and other routers of its networks learn the way through it.
type Router struct{ *Host }

// Router makes a router at the places among its options, at least two.
func (n *Net) Router(name string, list ...HostOption) (*Router, error) {
	x, err := n.newRouter("router", name, list)
	if err != nil {
		return nil, err
	}
	return &Router{&Host{x.stack, x}}, nil
}

// newRouter makes a node that forwards.
func (n *Net) newRouter(what, name string, list []HostOption) (*node, error) {
	var c hostConfig
	for _, o := range list {
		o.applyHost(&c)
	}
	if len(c.ports) < 2 {
		return nil, errorf("%s %q: attach it to two networks at least", what, name)
	}
	return n.newNode(what, name, list, true)
}
