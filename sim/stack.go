package sim

import (
	"bytes"
	"fmt"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
)

// A goroutine is one of a dump of stacks.
type goroutine struct {
	header string // goroutine 7 [chan receive (durable), synctest bubble 3]:
	state  string // chan receive (durable)
	bubble string // 3
	frames []frame
}

type frame struct{ function, line string }

// stacks returns all goroutines of the process but the caller.
func stacks() []goroutine {
	b := make([]byte, 1<<18)
	for {
		n := runtime.Stack(b, true)
		if n < len(b) {
			b = b[:n]
			break
		}
		b = make([]byte, 2*len(b))
	}
	var list []goroutine
	for _, text := range bytes.Split(b, []byte("\n\n")) {
		list = append(list, parseGoroutine(string(text)))
	}
	return list[1:] // the caller comes first
}

func parseGoroutine(text string) (g goroutine) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	g.header = strings.TrimSuffix(lines[0], ":")
	_, rest, _ := strings.Cut(g.header, "[")
	rest, _, _ = strings.Cut(rest, "]")
	g.state, g.bubble, _ = strings.Cut(rest, ", synctest bubble ")
	for i := 1; i+1 < len(lines); i += 2 {
		function := lines[i]
		if at := strings.LastIndexByte(function, '('); at > 0 && !strings.HasPrefix(function, "created by") {
			function = function[:at]
		}
		line, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		g.frames = append(g.frames, frame{function, line})
	}
	return g
}

// durable reports whether a goroutine waits so that the clock of its bubble moves.
func (g *goroutine) durable() bool {
	return strings.Contains(g.state, "(durable)") || strings.HasPrefix(g.state, "synctest.Run") ||
		strings.HasPrefix(g.state, "sleep") || strings.HasPrefix(g.state, "synctest.Wait")
}

// ofTesting reports whether a goroutine is one that synctest.Test itself has in a bubble.
func (g *goroutine) ofTesting() bool {
	return strings.HasPrefix(g.state, "synctest.Run") ||
		len(g.frames) > 0 && g.frames[0].function == "testing/synctest.testingSynctestTest"
}

// busy reports whether a goroutine computes rather than waits.
func (g *goroutine) busy() bool {
	return strings.HasPrefix(g.state, "running") || strings.HasPrefix(g.state, "runnable")
}

// place returns the first frame that is neither of the runtime nor of package sync.
func (g *goroutine) place() frame {
	for _, f := range g.frames {
		if !strings.HasPrefix(f.function, "runtime.") && !strings.HasPrefix(f.function, "sync.") &&
			!strings.HasPrefix(f.function, "internal/") && !strings.HasPrefix(f.function, "time.") {
			return f
		}
	}
	if len(g.frames) > 0 {
		return g.frames[0]
	}
	return frame{"unknown", "unknown"}
}

// print tells of a goroutine: who it belongs to, what it waits for, and where.
func (g *goroutine) print(b *strings.Builder, host string) {
	at := g.place()
	fmt.Fprintf(b, "  %s: %s, in %s at %s\n", host, g.header, at.function, at.line)
	for _, f := range g.frames {
		fmt.Fprintf(b, "        %s\n            %s\n", f.function, f.line)
	}
}

// blocked describes the goroutines of a bubble other than the caller, by host;
// empty if there are none.
func blocked(bubble string) string {
	var list []goroutine
	for _, g := range stacks() {
		if g.bubble == bubble && !g.ofTesting() {
			list = append(list, g)
		}
	}
	if bubble == "" || len(list) == 0 {
		return ""
	}
	owner := owners()
	var b strings.Builder
	for _, g := range list {
		g.print(&b, owner(&g))
	}
	return b.String()
}

var labelLine = regexp.MustCompile(`"` + regexp.QuoteMeta(labelHost) + `":"([^"]*)"`)

// owners returns what tells the host of a goroutine: labels are shown in profiles
// only, so goroutines are found there by the lines of their stacks.
func owners() func(*goroutine) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return func(*goroutine) string { return "no host known" }
	}
	hosts := map[string]string{}
	for _, group := range strings.Split(profile.String(), "\n\n") {
		m := labelLine.FindStringSubmatch(group)
		if m == nil {
			continue
		}
		var key []string
		for _, line := range strings.Split(group, "\n") {
			if w := strings.Fields(line); len(w) >= 4 && w[0] == "#" && strings.HasPrefix(w[1], "0x") {
				key = append(key, w[len(w)-1])
			}
		}
		hosts[strings.Join(key, " ")] = "host " + m[1]
	}
	return func(g *goroutine) string {
		var key []string
		for _, f := range g.frames {
			if !strings.HasPrefix(f.function, "created by") {
				key = append(key, f.line)
			}
		}
		if h := hosts[strings.Join(key, " ")]; h != "" {
			return h
		}
		return "no host"
	}
}

// waited is how long a goroutine has waited, as the runtime prints it.
var waited = regexp.MustCompile(`, \d+ minutes`)

// bubbleOfCaller returns the bubble that the caller is in, empty if in none.
func bubbleOfCaller() string {
	b := make([]byte, 256)
	g := parseGoroutine(string(b[:runtime.Stack(b, false)]))
	return g.bubble
}
