package recipes

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/octet-net/octet/sim"
)

// redisServer runs miniredis at a port of a host.
func redisServer(t *testing.T, h *sim.Host) *miniredis.Miniredis {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true) // keys expire by the virtual clock
	first, err := m.Dial()
	if err != nil { // this starts it without a listener of the operating system
		t.Fatal(err)
	}
	first.Close()
	l := listen(t, h, ":6379")
	h.Background(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.Server().ServeConn(c)
		}
	})
	return m
}

// redisCommands are what a client does in the seconds of the partition and around.
func redisCommands(t *testing.T, client *redis.Client) error {
	ctx := context.Background()
	if err := client.Set(ctx, "short", "lived", 30*time.Second).Err(); err != nil {
		return err
	}
	for i := range 100 {
		if got, err := client.Incr(ctx, "count").Result(); err != nil || got != int64(i+1) {
			return fmt.Errorf("increment %d: %d, %w", i, got, err)
		}
	}
	pipe := client.Pipeline()
	for i := range 1000 {
		pipe.RPush(ctx, "list", i)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if got, err := client.LLen(ctx, "list").Result(); err != nil || got != 1000 {
		return fmt.Errorf("list: %d, %w", got, err)
	}
	time.Sleep(30 * time.Second)
	if err := client.Get(ctx, "short").Err(); !errors.Is(err, redis.Nil) {
		return fmt.Errorf("a key lived longer than 30 s: %w", err)
	}
	return nil
}

// go-redis with miniredis: give the client a Dialer. Turn its notices of maintenance
// off, which look the server up in the real DNS. Let the pool have as many connections
// as goroutines use it: who waits for one takes a timer from a sync.Pool of the whole
// process, which the next bubble must not touch. Close the client before the bubble
// ends. miniredis takes connections from a listener of a host by ServeConn, once its
// Dial has started it without a listener of its own.
func TestRedis(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 10 * time.Millisecond, Loss: sim.Random(0.02)})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		m := redisServer(t, srv)
		client := redis.NewClient(&redis.Options{
			Addr:                     "server:6379",
			Dialer:                   a.DialContext,
			ReadTimeout:              20 * time.Second,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		a.Go(func() {
			if err := redisCommands(t, client); err != nil {
				t.Error(err)
			}
		})
		a.Go(func() { // a list that another fills is waited for
			began := time.Now()
			got, err := client.BLPop(context.Background(), 0, "mail").Result()
			if err != nil || len(got) != 2 || got[1] != "letter" || time.Since(began) < 8*time.Second {
				t.Errorf("BLPOP: %q, %v, after %v", got, err, time.Since(began))
			}
		})
		n.At(time.Second, func() { n.Partition(sim.Set(a), sim.Set(srv)) })
		n.At(4*time.Second, n.Heal)
		n.At(8*time.Second, func() {
			if _, err := m.Push("mail", "letter"); err != nil {
				t.Error(err)
			}
		})
		if !n.Run(2 * time.Minute) {
			t.Error("the commands are not done")
		}
		if s := n.Stats(a, srv); s.Stopped == 0 || s.Retransmits == 0 {
			t.Errorf("the partition did nothing: %+v", s)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		m.Close()
		return []*sim.Host{srv, a}
	})
}
