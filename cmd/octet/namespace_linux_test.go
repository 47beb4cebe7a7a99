package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespace runs the rest of the test, and the processes that it starts, on a
// thread in a network namespace of its own, which ends with them.
func namespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread dies with the test's goroutine
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		_, err = os.Stat("/dev/net/tun")
	}
	skipUnless(t, err == nil, fmt.Sprint("no network namespace or no /dev/net/tun: ", err))
	_, err = exec.LookPath("ip")
	skipUnless(t, err == nil, "there is no ip(8) here")
	ip(t, "link set lo up")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
}

// ip runs the program of this name.
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

// A beside is an octet that runs beside the test.
type beside struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err output
}

// start starts octet and waits until it has said what is told by ready, on either stream.
func start(t *testing.T, ready string, args ...string) *beside {
	t.Helper()
	b := &beside{t: t, cmd: exec.Command("octet", args...)}
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.err
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.cmd.ProcessState == nil {
			b.cmd.Process.Kill()
			b.cmd.Wait()
		}
	})
	b.wait(ready)
	return b
}

// wait waits until octet has said something.
func (b *beside) wait(what string) {
	b.t.Helper()
	again, late := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer again.Stop()
	for !strings.Contains(b.out.String()+b.err.String(), what) {
		select {
		case <-again.C:
		case <-late:
			b.t.Fatalf("octet %v does not say %q: %s%s", b.cmd.Args[1:], what, &b.out, &b.err)
		}
	}
}

// end waits for the end, after a signal unless it is zero, and checks the exit code.
func (b *beside) end(s syscall.Signal, code int) {
	b.t.Helper()
	if s != 0 {
		if err := b.cmd.Process.Signal(s); err != nil {
			b.t.Fatal(err)
		}
	}
	stop := time.AfterFunc(patience, func() { b.cmd.Process.Kill() })
	defer stop.Stop()
	b.cmd.Wait() // its code is checked below
	if got := b.cmd.ProcessState.ExitCode(); got != code {
		b.t.Fatalf("octet %v exited with %d, want %d: %s%s", b.cmd.Args[1:], got, code, &b.out, &b.err)
	}
}

// octet runs the command to its end, checks the exit code and returns all it says.
func octet(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, diag := run(t, code, args...)
	return out + diag
}

// stdout is octet that returns the results alone.
func stdout(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, _ := run(t, code, args...)
	return out
}

func run(t *testing.T, code int, args ...string) (string, string) {
	t.Helper()
	var out, diag bytes.Buffer
	cmd := exec.Command("octet", args...)
	cmd.Stdout, cmd.Stderr = &out, &diag
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("octet %v exited with %d, want %d: %s%s", args, got, code, &out, &diag)
	}
	return out.String(), diag.String()
}

const upReady = "Ctrl-C ends it"

// get asks a web server on this thread: the client of net/http has others.
func get(t *testing.T, host, path string) string {
	t.Helper()
	c := dial(t, host, "80")
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: octet\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func dial(t *testing.T, host, port string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// summer starts a server of the kernel's that answers each stream with its SHA-256,
// and returns its address.
func summer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hash := sha256.New()
			if _, err := io.Copy(hash, c); err == nil {
				c.Write(hash.Sum(nil)) // the client sees whether it came
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

// netOf names the network namespace of a process.
func netOf(t *testing.T, pid string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + pid + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}
