package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"octet": main})
}

// patience is how long a test waits for what must come: it bounds a hang, nothing else.
const patience = 30 * time.Second

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[servers{}] = map[string]*server{}
			return caches(e)
		},
		Condition: func(name string) (bool, error) {
			if name != "ipv6" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			l, err := net.Listen("tcp6", "[::1]:0")
			if err != nil {
				return false, nil
			}
			return true, l.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"server": startServer,
			"finish": finish,
			"valid":  valid,
		},
	})
}

// caches lets scripts that compile use what was compiled before.
func caches(e *testscript.Env) error {
	dir, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	built, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	e.Setenv("XDG_CACHE_HOME", dir)
	e.Setenv("GOCACHE", strings.TrimSpace(string(built)))
	return nil
}

// exits runs a command and checks its exit code: exits 5 octet send tcp://….
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// servers is the key of a script's servers, by their names.
type servers struct{}

// A server is an octet serve that runs beside its script.
type server struct {
	cmd      *exec.Cmd
	out, err output
}

// startServer starts octet serve with port 0 and sets NAME to its port once it
// listens: server NAME tcp://localhost:0 --once.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: server name url [flags...]")
	}
	s := &server{cmd: exec.Command("octet", append([]string{"serve"}, args[1:]...)...)}
	s.out.seen, s.err.seen = make(chan string, 1), make(chan string, 1)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = ts.MkAbs("."), &s.out, &s.err
	ts.Check(s.cmd.Start())
	ts.Defer(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
	})
	ts.Value(servers{}).(map[string]*server)[args[0]] = s
	select {
	case port := <-s.err.seen:
		ts.Setenv(args[0], port)
	case <-time.After(patience):
		ts.Fatalf("the server does not listen: %s%s", &s.out, &s.err)
	}
}

// finish waits for a server, after a signal if one is named, checks its exit code
// and leaves its output in NAME.out and NAME.err: finish NAME 0, finish NAME 130 interrupt.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(servers{}).(map[string]*server)[args[0]]
	if neg || s == nil || len(args) < 2 {
		ts.Fatalf("usage: finish name code [interrupt]")
	}
	if len(args) > 2 {
		ts.Check(s.cmd.Process.Signal(os.Interrupt))
	}
	stop := time.AfterFunc(patience, func() { s.cmd.Process.Kill() })
	defer stop.Stop()
	s.cmd.Wait() // its code is checked below
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(s.out.String()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(s.err.String()), 0o644))
	if got := strconv.Itoa(s.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s exited with %s, want %s: %s", args[0], got, args[1], &s.err)
	}
}

// output collects what a process writes and tells the port that it listens at.
type output struct {
	mu   sync.Mutex
	b    bytes.Buffer
	seen chan string
}

var listens = regexp.MustCompile(`listening at [a-z0-9]+://\S+:(\d+)\n|Ctrl-C ends it\n`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(p)
	if m := listens.FindSubmatch(o.b.Bytes()); m != nil {
		select {
		case o.seen <- string(m[1]):
		default:
		}
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// valid checks a file of objects against the schema of a verb: valid send stdout.
func valid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: valid verb file")
	}
	if err := validate(args[0], ts.ReadFile(args[1])); err != nil {
		ts.Fatalf("%v", err)
	}
}

func validate(verb, text string) error {
	b, err := os.ReadFile(filepath.Join(schemaDir, verb+".json"))
	if err != nil {
		return err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(b, &schema); err != nil {
		return err
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return err
	}
	var events []string
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		var object map[string]any
		if err := json.Unmarshal(s.Bytes(), &object); err != nil {
			return fmt.Errorf("%s: %w", s.Text(), err)
		}
		if err := resolved.Validate(object); err != nil {
			return fmt.Errorf("%s: %w", s.Text(), err)
		}
		events = append(events, object["event"].(string))
	}
	if n := len(events); n < 2 || events[0] != "start" || events[n-1] != "end" {
		return fmt.Errorf("events %q do not go from start to end", events)
	}
	return nil
}

// schemaDir is found before a script changes the directory.
var schemaDir, _ = filepath.Abs("internal/cli/schema")
