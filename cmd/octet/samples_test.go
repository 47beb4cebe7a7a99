package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each sample in the documentation prints what it says: in blocks that begin with
// ```console, a line $ … is a command and the lines after it its output. A$ … runs
// beside the B$ … after it, until the next $ … or the end of the block.
func TestSamples(t *testing.T) {
	skipUnless(t, runtime.GOOS != "windows", "the samples are for a Unix shell")
	portIsFree(t)
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no documentation: ", err)
	}
	ran := 0
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range consoleBlocks(string(text)) {
			ran++
			t.Run(filepath.Base(file)+"/"+block[0].command, func(t *testing.T) { runBlock(t, block) })
		}
	}
	if ran == 0 {
		t.Error("the documentation has no samples")
	}
}

// A sample is a command and what it prints.
type sample struct {
	window  string // A, B or none
	command string
	output  string
}

func consoleBlocks(text string) (blocks [][]sample) {
	for _, part := range strings.Split(text, "```console\n")[1:] {
		body, _, _ := strings.Cut(part, "```")
		var block []sample
		for line := range strings.Lines(body) {
			prompt, command, found := strings.Cut(line, "$ ")
			if found && (prompt == "" || prompt == "A" || prompt == "B") {
				block = append(block, sample{prompt, strings.TrimSpace(command), ""})
			} else if len(block) > 0 {
				block[len(block)-1].output += line
			}
		}
		if len(block) > 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

func runBlock(t *testing.T, block []sample) {
	if slices.ContainsFunc(block, func(s sample) bool { return strings.Contains(s.command, "octet up") }) {
		namespace(t)
	}
	dir := t.TempDir()
	end := func() {}
	for _, s := range block {
		if s.window != "B" {
			end()
			end = func() {}
		}
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(s.command, "go run ./cmd/octet", "octet"))
		cmd.Dir = dir
		if s.window == "A" {
			end = startBeside(t, cmd, s)
			continue
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", s.command, err)
		}
		s.check(t, string(out))
	}
	end()
}

// startBeside starts a server, and returns what ends it and checks its output.
func startBeside(t *testing.T, cmd *exec.Cmd, s sample) (end func()) {
	cmd.Args[2] = "exec " + strings.Replace(cmd.Args[2], "octet serve", "octet serve -v", 1) // -v tells where it listens
	out := &output{seen: make(chan string, 1)}
	var printed output
	cmd.Stdout, cmd.Stderr = &printed, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-out.seen:
	case <-time.After(patience):
		t.Errorf("%s does not listen: %s", s.command, out)
	}
	return func() {
		want := strings.Count(s.output, "\n")
		again, late := time.NewTicker(10*time.Millisecond), time.After(patience)
		defer again.Stop()
		for strings.Count(printed.String(), "\n") < want {
			select {
			case <-again.C:
				continue
			case <-late:
			}
			break
		}
		cmd.Process.Signal(os.Interrupt) // or it has ended itself
		cmd.Wait()
		s.check(t, printed.String())
	}
}

// changing is what differs from run to run: times, and ports that the system chooses.
var changing = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\b[3-6]\d{4}\b`)

// check compares the output with the sample's. An ellipsis stands for the rest of a
// line or a part of it, alone for any lines.
func (s *sample) check(t *testing.T, got string) {
	t.Helper()
	var want strings.Builder
	for line := range strings.Lines(s.output) {
		if line == "…\n" {
			want.WriteString(`(?:.*\n)*?`)
			continue
		}
		line = changing.ReplaceAllString(line, "\x00")
		line = strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		want.WriteString(strings.ReplaceAll(line, "\x00", `[-\d]+(?: [\d:]+)?`))
	}
	ended := got
	if got != "" && !strings.HasSuffix(got, "\n") {
		ended += "\n" // as it is on a terminal
	}
	if !regexp.MustCompile(`^` + want.String() + `$`).MatchString(ended) {
		t.Errorf("$ %s\nprints\n%s\nbut the documentation says\n%s", s.command, got, s.output)
	}
}
