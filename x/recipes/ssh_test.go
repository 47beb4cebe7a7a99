package recipes

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/octet-net/octet/sim"
)

// sshKey makes a key.
func sshKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sshServe is a server of one connection, whose every command is cat and ends with
// status 7.
func sshServe(c net.Conn, config *ssh.ServerConfig) error {
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return err
	}
	go ssh.DiscardRequests(requests)
	for offer := range channels {
		channel, requests, err := offer.Accept()
		if err != nil {
			return err
		}
		for r := range requests {
			if err := r.Reply(r.Type == "exec", nil); err != nil {
				return err
			}
			if r.Type == "exec" {
				break
			}
		}
		go ssh.DiscardRequests(requests)
		_, err = io.Copy(channel, channel)
		_, status := channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{7}))
		if err := errors.Join(err, status, channel.Close()); err != nil {
			return err
		}
	}
	return nil
}

// sshRun runs a command over a connection with input and returns its output, and
// checks its status.
func sshRun(c net.Conn, config *ssh.ClientConfig, input []byte) ([]byte, error) {
	conn, channels, requests, err := ssh.NewClientConn(c, "server", config)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	session.Stdin = bytes.NewReader(input)
	output, err := session.Output("cat")
	var status *ssh.ExitError
	if !errors.As(err, &status) || status.ExitStatus() != 7 {
		return nil, errors.Join(errors.New("the command did not end with status 7"), err)
	}
	return output, nil
}

// golang.org/x/crypto/ssh: give ssh.NewClientConn and ssh.NewServerConn connections of
// the hosts, instead of ssh.Dial. It holds a mutex while it writes a packet: with
// sim.SendBuffer it needs octet test. Keys need no dates.
func TestSSH(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 30 * time.Millisecond, Rate: 10e6, Loss: sim.Random(0.01)})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		hostKey, userKey := sshKey(t), sshKey(t)
		server := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(k.Marshal(), userKey.PublicKey().Marshal()) {
				return nil, errors.New("an unknown key")
			}
			return nil, nil
		}}
		server.AddHostKey(hostKey)
		l := listen(t, srv, ":22")
		srv.Go(func() {
			c, err := l.Accept()
			if err == nil {
				err = sshServe(c, server)
			}
			if err != nil {
				t.Errorf("server: %v", err)
			}
		})
		a.Go(func() {
			input := make([]byte, 512<<10)
			rand.Read(input)
			c, err := a.Dial("tcp", "server:22")
			if err != nil {
				t.Error(err)
				return
			}
			output, err := sshRun(c, &ssh.ClientConfig{
				User: "alice", Auth: []ssh.AuthMethod{ssh.PublicKeys(userKey)}, HostKeyCallback: ssh.FixedHostKey(hostKey.PublicKey()),
			}, input)
			if err != nil || !bytes.Equal(output, input) {
				t.Errorf("%d of %d octets came back: %v", len(output), len(input), err)
			}
		})
		if !n.Run(time.Minute) {
			t.Error("the session is not done")
		}
		return []*sim.Host{srv, a}
	})
}
