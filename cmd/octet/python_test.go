package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// skipUnless skips a test where something is missing, with one line that says what.
// OCTET_CI forbids that.
func skipUnless(t *testing.T, there bool, what string) {
	t.Helper()
	if there {
		return
	}
	if os.Getenv("OCTET_CI") != "" {
		t.Fatalf("OCTET_CI is set, but %s", what)
	}
	t.Skip(what)
}

// python returns an interpreter, if the port of the programs in testdata is free.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	skipUnless(t, err == nil && exec.Command(path, "-c", "").Run() == nil, "there is no python3 here")
	portIsFree(t)
	return path
}

// portIsFree skips a test that uses the port of the documentation where it is taken.
func portIsFree(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:6789")
	skipUnless(t, err == nil, "another program uses port 6789")
	l.Close()
}

// The Python server of the document, as it stands, and its TCP twin answer our client.
func TestPythonServerAnswers(t *testing.T) {
	py := python(t)
	for _, network := range []string{"udp", "tcp"} {
		server := exec.Command(py, "-u", "testdata/python/"+network+"_server.py")
		var out bytes.Buffer
		server.Stdout, server.Stderr = &out, &out
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(patience, func() { server.Process.Kill() })
		answer := sendUntilHeard(t, network+"://localhost:6789")
		if err := server.Wait(); err != nil {
			t.Errorf("%s: the Python server: %v: %s", network, err, &out)
		}
		stop.Stop()
		if answer != "Are you talking to me?" {
			t.Errorf("%s: the answer is %q", network, answer)
		}
		if !strings.Contains(out.String(), "said b'Hello'") {
			t.Errorf("%s: the Python server prints %q", network, &out)
		}
	}
}

// sendUntilHeard sends until the server, which says that it starts before it
// listens, does listen: nothing else than a refusal is tried again.
func sendUntilHeard(t *testing.T, url string) string {
	t.Helper()
	again, end := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer again.Stop()
	for {
		cmd := exec.Command("octet", "send", url, "Hello")
		out, err := cmd.Output()
		if err == nil {
			return string(out)
		}
		if cmd.ProcessState.ExitCode() != 5 {
			t.Fatalf("octet send: %v: %s", err, err.(*exec.ExitError).Stderr)
		}
		select {
		case <-again.C:
		case <-end:
			t.Fatal("the Python server never listened")
		}
	}
}

// Our server, on the port of the document, answers a Python client, and both print
// the same words.
func TestPythonClientIsAnswered(t *testing.T) {
	py := python(t)
	for network, prints := range map[string]string{
		"udp": `('127.0.0.1', 6789) said b'Are you talking to me?'`,
		"tcp": `someone replied b'Are you talking to me?'`,
	} {
		s := &server{cmd: exec.Command("octet", "serve", network+"://localhost:6789", "-v", "--once", "--max", "4096", "--reply", "Are you talking to me?")}
		s.err.seen = make(chan string, 1)
		s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(patience, func() { s.cmd.Process.Kill() })
		select {
		case <-s.err.seen:
		case <-time.After(patience):
			t.Fatalf("octet serve does not listen: %s", &s.err)
		}
		out, err := exec.Command(py, "testdata/python/"+network+"_client.py").CombinedOutput()
		if err != nil || !strings.Contains(string(out), prints) {
			t.Errorf("%s: the Python client: %v: %s", network, err, out)
		}
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("%s: octet serve: %v: %s", network, err, &s.err)
		}
		stop.Stop()
		if line := regexp.MustCompile(`(?m)^At \S+ \S+ \('127\.0\.0\.1', \d+\) said b'Hello'$`); !line.MatchString(s.out.String()) {
			t.Errorf("%s: octet serve prints %q", network, &s.out)
		}
	}
}
