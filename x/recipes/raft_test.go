package recipes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/octet-net/octet/sim"
)

// A raftLayer is the network of a node: raft.StreamLayer.
type raftLayer struct {
	net.Listener
	host *sim.Host
}

func (l raftLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.host.DialContext(ctx, "tcp", string(address))
}

// A journal is the state machine of a node: the commands in their order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Apply(l *raft.Log) any {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(l.Data))
	return nil
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

func (j *journal) Snapshot() (raft.FSMSnapshot, error) { return nil, raft.ErrNothingNewToSnapshot }
func (j *journal) Restore(io.ReadCloser) error         { return errors.New("there are no snapshots") }

// A raftNode is one of the cluster.
type raftNode struct {
	*raft.Raft
	host    *sim.Host
	journal journal
}

// A raftCluster is five nodes, and who led in which term.
type raftCluster struct {
	t     *testing.T
	nodes []*raftNode

	mu      sync.Mutex
	leaders map[uint64][]string // by term
}

// newRaftCluster starts the nodes.
func newRaftCluster(t *testing.T, hosts []*sim.Host) *raftCluster {
	c := &raftCluster{t: t, leaders: map[uint64][]string{}}
	var all raft.Configuration
	for _, h := range hosts {
		all.Servers = append(all.Servers, raft.Server{
			ID: raft.ServerID(h.Name()), Address: raft.ServerAddress(fmt.Sprintf("%v:7000", h.Addr())),
		})
	}
	for i, h := range hosts {
		node := &raftNode{host: h}
		config := raft.DefaultConfig()
		config.LocalID = all.Servers[i].ID
		config.Logger = hclog.NewNullLogger()
		transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: raftLayer{listen(t, h, string(all.Servers[i].Address)), h}, MaxPool: 3, Timeout: 2 * time.Second, Logger: config.Logger,
		})
		store, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		if err := raft.BootstrapCluster(config, store, store, snapshots, transport, all); err != nil {
			t.Fatal(err)
		}
		var err error
		if node.Raft, err = raft.NewRaft(config, &node.journal, store, store, snapshots, transport); err != nil {
			t.Fatal(err)
		}
		node.RegisterObserver(raft.NewObserver(nil, false, func(o *raft.Observation) bool {
			if state, ok := o.Data.(raft.RaftState); ok && state == raft.Leader {
				c.mu.Lock()
				defer c.mu.Unlock()
				term := o.Raft.CurrentTerm()
				c.leaders[term] = append(c.leaders[term], h.Name())
			}
			return false
		}))
		c.nodes = append(c.nodes, node)
	}
	return c
}

// leader waits until one of the nodes leads.
func (c *raftCluster) leader(among []*raftNode) *raftNode {
	for range 3000 {
		for _, node := range among {
			if node.State() == raft.Leader {
				return node
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal("no leader within 30 s")
	return nil
}

// apply has a leader commit commands.
func (c *raftCluster) apply(leader *raftNode, name string, count int) (want []string) {
	for i := range count {
		command := fmt.Sprint(name, i)
		if err := leader.Apply([]byte(command), 10*time.Second).Error(); err != nil {
			c.t.Errorf("%s at %s: %v", command, leader.host.Name(), err)
		}
		want = append(want, command)
	}
	return want
}

// converge waits until all nodes have the commands.
func (c *raftCluster) converge(want []string) {
	for range 3000 {
		if !slices.ContainsFunc(c.nodes, func(x *raftNode) bool { return !slices.Equal(x.journal.read(), want) }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, x := range c.nodes {
		c.t.Errorf("%s has %v, want %v", x.host.Name(), x.journal.read(), want)
	}
}

// finish ends the nodes and checks that no term had two leaders.
func (c *raftCluster) finish() {
	for _, x := range c.nodes {
		if err := x.Shutdown().Error(); err != nil {
			c.t.Errorf("%s: %v", x.host.Name(), err)
		}
	}
	if len(c.leaders) < 2 {
		c.t.Errorf("%d terms had a leader, want at least 2: %v", len(c.leaders), c.leaders)
	}
	for term, names := range c.leaders {
		if len(names) != 1 {
			c.t.Errorf("term %d had the leaders %v", term, names)
		}
	}
}

// hashicorp/raft: give raft.NetworkTransport a StreamLayer of the host, which listens
// at the address of the host, not at ":7000", for that is what the others are told.
// Shut every node down before the bubble ends. Its timeouts are drawn from math/rand:
// see seedChance, without which elections differ between runs of plain go test.
func TestRaft(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 5 * time.Millisecond, Loss: sim.Random(0.01)})
		var hosts []*sim.Host
		for i := range 5 {
			hosts = append(hosts, n.Host(fmt.Sprint("raft", i+1), lan))
		}
		c := newRaftCluster(t, hosts)
		first := c.leader(c.nodes)
		want := c.apply(first, "before", 20)

		others := slices.DeleteFunc(slices.Clone(c.nodes), func(x *raftNode) bool { return x == first })
		var side []sim.Node
		for _, x := range others {
			side = append(side, x.host)
		}
		n.Partition(sim.Set(first.host), side)
		if err := first.Apply([]byte("lost"), time.Second).Error(); err == nil {
			t.Error("a leader without followers has committed a command")
		}
		second := c.leader(others)
		want = append(want, c.apply(second, "during", 20)...)
		if got := first.journal.read(); len(got) != 20 {
			t.Errorf("the node that is cut off has %d commands, want 20", len(got))
		}
		time.Sleep(5 * time.Second)
		n.Heal()
		want = append(want, c.apply(c.leader(others), "after", 20)...)
		c.converge(want)
		c.finish()

		if measure(n, hosts...).stopped == 0 {
			t.Error("the partition stopped nothing")
		}
		return hosts
	})
}
