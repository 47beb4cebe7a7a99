package interop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet"
)

// next returns the next change of a kind that is told.
func next(t *testing.T, told <-chan octet.Change, kind octet.ChangeKind) octet.Change {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		select {
		case c := <-told:
			if c.Kind == kind {
				return c
			}
		case <-end:
			t.Fatalf("not told that the %v", kind)
		}
	}
}

// The MTU of the interface is followed while connections go on.
func TestMTUOfTheInterfaceChanges(t *testing.T) {
	t.Parallel()
	for _, tap := range []bool{false, true} {
		l := newLab(t, labPlan{tap: tap, capture: true})
		told := make(chan octet.Change, 20)
		defer l.host.Watch(func(c octet.Change) { told <- c })()
		ln := l.listen(net.JoinHostPort(ours4, "0"), echo)
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, mtu := range []string{"1300", "9000", "600"} {
			run(t, "ip", "link", "set", l.dev, "mtu", mtu)
			deadline := time.Now().Add(20 * time.Second)
			for len(told) == 0 && time.Now().Before(deadline) { // a device looks while packets pass
				if err := exchange(c, octets(1, 50_000)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			if x := next(t, told, octet.MTUChanged); x.String() != l.dev+": MTU changed to "+mtu {
				t.Errorf("told %q", x.String())
			}
			if err := exchange(c, octets(1, 200_000)); err != nil {
				t.Error(err)
			}
		}
	}
}

// An interface that is deleted is told of, ends what stood on it with an error, and
// leaves nothing. It is not parallel: it counts what the process has open.
func TestInterfaceIsDeleted(t *testing.T) {
	for _, tap := range []bool{false, true} {
		t.Run(map[bool]string{true: "TAP", false: "TUN"}[tap], func(t *testing.T) {
			files, goroutines := open(t), runtime.NumGoroutine()
			l := newLab(t, labPlan{tap: tap, queues: 3})
			told := make(chan octet.Change, 20)
			defer l.host.Watch(func(c octet.Change) { told <- c })()
			theirs, err := net.Listen("tcp", net.JoinHostPort(kernel6, "0"))
			if err != nil {
				t.Fatal(err)
			}
			c, err := l.host.Dial("tcp", theirs.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			peer, err := theirs.Accept()
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			run(t, "ip", "link", "del", l.dev)
			if x := next(t, told, octet.DeviceEnded); x.Name != l.dev || x.Err == nil {
				t.Errorf("told %v", x)
			}
			if err := <-read; !errors.Is(err, syscall.ENETDOWN) {
				t.Errorf("reading: %v, want ENETDOWN", err)
			}
			c.Close()
			theirs.Close()
			peer.Close() // it will never hear of us again
			if _, err := l.host.Dial("tcp", "192.0.2.1:80"); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("a dial: %v, want ENETUNREACH", err)
			}
			l.await(func() error {
				if now := open(t); len(now) > len(files) {
					return fmt.Errorf("files are left open: %v, before %v", now, files)
				}
				if runtime.NumGoroutine() > goroutines+2 { // this test and its timer
					return errors.New("goroutines are left")
				}
				return nil
			})
			own := l.listen("127.0.0.1:0", echo) // the host goes on
			again, err := l.host.Dial("tcp", own.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := exchange(again, octets(1, 1000)); err != nil && err != io.EOF {
				t.Error(err)
			}
		})
	}
}

// open returns what files the process has open.
func open(t *testing.T) (files []string) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" { // those are Go's own
			files = append(files, to)
		}
	}
	return files
}

// An interface that is down for a while is no device that has ended: a connection
// goes on when it is up again.
func TestInterfaceGoesDownAndUp(t *testing.T) {
	t.Parallel()
	for _, tap := range []bool{false, true} {
		t.Run(map[bool]string{true: "TAP", false: "TUN"}[tap], func(t *testing.T) {
			l := newLab(t, labPlan{tap: tap, capture: true})
			told := make(chan octet.Change, 20)
			defer l.host.Watch(func(c octet.Change) { told <- c })()
			theirs := l.listenKernel(net.JoinHostPort(kernel4, "0"), echo)
			c, err := l.host.Dial("tcp", theirs.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			wrong := make(chan error, 1)
			down := make(chan struct{})
			go func() {
				for {
					if err := exchange(c, octets(1, 20_000)); err != nil {
						wrong <- err
						return
					}
					select {
					case <-down:
						wrong <- exchange(c, octets(2, 200_000))
						return
					default:
					}
				}
			}()
			for range 3 {
				run(t, "ip", "link", "set", l.dev, "down")
				time.Sleep(100 * time.Millisecond)
				run(t, "ip", "link", "set", l.dev, "up")
				time.Sleep(100 * time.Millisecond)
			}
			close(down)
			if err := <-wrong; err != nil {
				t.Error(err)
			}
			if len(told) != 0 {
				t.Errorf("told %v", <-told)
			}
		})
	}
}
