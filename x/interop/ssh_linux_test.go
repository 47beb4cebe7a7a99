package interop

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// missing ends a test for want of something, which is a failure in CI.
func missing(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("OCTET_CI") == "1" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

// newHost returns a host at 192.0.2.2 and 2001:db8::2 on a TUN device in a network
// namespace of the test's own, where the kernel has .1 and ::1.
func newHost(t *testing.T) *octet.Host {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread dies with the test's goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		missing(t, "no network namespace", err)
	}
	line := timeline.New()
	d, err := link.OpenTUN(line, link.TUNOptions{Name: "octet0", Up: true})
	if err != nil {
		missing(t, "no TUN device", err)
	}
	h := octet.NewHost(octet.WithTimeline(line))
	t.Cleanup(func() {
		h.Close()
		line.Close()
	})
	if _, err := h.Attach(d, netip.MustParsePrefix("192.0.2.2/24"), netip.MustParsePrefix("2001:db8::2/64")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"addr", "add", "192.0.2.1/24", "dev", "octet0"}, {"addr", "add", "2001:db8::1/64", "dev", "octet0", "nodad"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	return h
}

// An OpenSSH client talks to a server of x/crypto that stands on our listener: it
// logs in with a key, and what it sends through a command comes back as it was.
func TestOpenSSHClient(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		missing(t, "no OpenSSH", err)
	}
	h := newHost(t)
	identity, server := keys(t)
	ln, err := h.Listen("tcp", ":22")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go serve(ln, server)
	sent := make([]byte, 5<<20)
	rand.Read(sent)
	for _, host := range []string{"192.0.2.2", "2001:db8::2"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c := exec.CommandContext(ctx, "ssh", "-F", "none", "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "octet@"+host, "cat")
		c.Stdin = bytes.NewReader(sent)
		var complaints bytes.Buffer
		c.Stderr = &complaints
		got, err := c.Output()
		if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
			t.Errorf("%s: %d of %d octets came back: %v: %s", host, len(got), len(sent), err, complaints.String())
		}
	}
}

// keys returns the file of a key of the client, and a server that knows it.
func keys(t *testing.T) (file string, server *ssh.ServerConfig) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	server = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if bytes.Equal(key.Marshal(), known.Marshal()) {
			return nil, nil
		}
		return nil, os.ErrPermission
	}}
	_, private, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	server.AddHostKey(signer)
	return file, server
}

// serve accepts sessions, whose commands all send back what they are sent.
func serve(ln net.Listener, config *ssh.ServerConfig) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, channels, requests, err := ssh.NewServerConn(c, config)
			if err != nil {
				return // the client says why
			}
			go ssh.DiscardRequests(requests)
			for ch := range channels {
				session(ch)
			}
		}()
	}
}

func session(n ssh.NewChannel) {
	ch, requests, err := n.Accept()
	if err != nil {
		return
	}
	for r := range requests {
		r.Reply(r.Type == "exec", nil)
		if r.Type != "exec" {
			continue
		}
		go func() {
			io.Copy(ch, ch)
			ch.CloseWrite()
			ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
			ch.Close()
		}()
	}
}
