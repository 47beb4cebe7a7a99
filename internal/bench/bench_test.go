package bench

import (
	"bytes"
	"encoding/xml"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every stack does every work that it can, and the table says so.
func TestEveryWorkOnEveryStack(t *testing.T) {
	dir := t.TempDir()
	told := 0
	p := Plan{
		Works: Works(), Stacks: []Stack{Octet(), Kernel(), Pipe()}, Rounds: 2, Span: 5 * time.Millisecond,
		Progress: func(string, int, int) { told++ }, CPUProfile: filepath.Join(dir, "cpu"), MemProfile: filepath.Join(dir, "mem"),
	}
	if testing.Short() {
		p.Works = Works()[:6] // the idle connections take longest
	}
	table, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 3 * len(p.Works); told != want {
		t.Errorf("told of %d measurements, want %d", told, want)
	}
	cannot := map[string]bool{
		"stream1500-kernel": true, "streams1500-kernel": true, "idle-kernel": true,
		"connect-pipe": true, "udp-pipe": true,
	}
	for _, w := range p.Works {
		for _, s := range table.Stacks {
			name := w.Name + "-" + s
			f := table.Figure(w.Name, s)
			if (f == nil) != cannot[name] {
				t.Errorf("%s: figure %v", name, f)
			}
			for _, kind := range []string{"cpu", "mem"} {
				if _, err := os.Stat(filepath.Join(dir, kind, name+".pprof")); (err == nil) == cannot[name] {
					t.Errorf("%s profile of %s: %v", kind, name, err)
				}
			}
			if f == nil {
				continue
			}
			if lo, _ := f.Range(); len(f.All) != 2 || lo <= 0 {
				t.Errorf("%s: figures %v", name, f.All)
			}
		}
	}
	if text := table.Text(); !strings.Contains(text, "to kernel") || strings.Count(text, "\n") != len(p.Works)+1 {
		t.Errorf("the table is\n%s", text)
	}
}

// A badConn changes what is written through it.
type badConn struct {
	net.Conn
	spoil func(p []byte) []byte
	count int
}

func (c *badConn) Write(p []byte) (int, error) {
	if c.count++; c.count == 20 {
		if _, err := c.Conn.Write(c.spoil(bytes.Clone(p))); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// No speed is bought with lost, repeated or changed octets.
func TestWorksSeeWhatIsWrong(t *testing.T) {
	spoils := map[string]func([]byte) []byte{
		"changes": func(p []byte) []byte { p[3] ^= 1; return p },
		"loses":   func([]byte) []byte { return nil },
		"cuts":    func(p []byte) []byte { return p[:len(p)-1] },
		"repeats": func(p []byte) []byte { return append(p, p...) },
	}
	for what, spoil := range spoils {
		for _, w := range Works() {
			if w.Name != "stream" && w.Name != "streams" && (w.Name != "ping-pong" || what != "changes") {
				continue // a ping-pong that loses an octet stands still
			}
			n := &Network{Pair: func() (net.Conn, net.Conn, error) {
				c, s := net.Pipe()
				return &badConn{Conn: c, spoil: spoil}, s, nil
			}}
			if v, err := w.run(n, 20*time.Millisecond); err == nil {
				t.Errorf("%s over a stack that %s octets: %v and no error", w.Name, what, v)
			}
		}
	}
}

func TestRatioIsOfRounds(t *testing.T) {
	table := Table{Stacks: []string{"a", "b"}, figures: map[[2]string]*Figure{
		{"w", "a"}: {All: []float64{10, 30, 50}},
		{"w", "b"}: {All: []float64{5, 10, 50}},
	}}
	for _, c := range []struct {
		less bool
		want float64
	}{{false, 2}, {true, 0.5}} {
		if got, ok := table.Ratio(&Work{Name: "w", Less: c.less}, "b"); !ok || got != c.want {
			t.Errorf("ratio %v (%v), want %v", got, ok, c.want)
		}
	}
	if _, ok := table.Ratio(&Work{Name: "x"}, "b"); ok {
		t.Error("a ratio of nothing")
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0.123: "0.12", 9.876: "9.88", 12.34: "12.3", 123.4: "123", 4321: "4,321", 98765: "98,800", 1234567: "1,230,000",
	} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %s, want %s", v, got, want)
		}
	}
	if got := Median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median %v", got)
	}
}

// A fall of a third is borne, a larger one is not, and a ratio that was never stored
// cannot fall.
func TestRatiosFall(t *testing.T) {
	table := Table{Works: []Work{{Name: "w"}, {Name: "new"}}, Stacks: []string{"a", "b", "c"}, figures: map[[2]string]*Figure{
		{"w", "a"}: {All: []float64{6}}, {"w", "b"}: {All: []float64{2}}, {"w", "c"}: {All: []float64{1}},
		{"new", "a"}: {All: []float64{1}}, {"new", "b"}: {All: []float64{100}},
	}}
	path := filepath.Join(t.TempDir(), "ratios.json")
	if err := (Ratios{"w": {"b": 4.4, "c": 9.2}, "gone": {"b": 5}}).Write(path); err != nil {
		t.Fatal(err)
	}
	stored, err := ReadRatios(path)
	if err != nil {
		t.Fatal(err)
	}
	fallen := stored.Fallen(&table)
	if len(fallen) != 1 || fallen[0].Rival != "c" || fallen[0].Was != 9.2 || fallen[0].Now != 6 {
		t.Errorf("fallen: %v", fallen)
	}
	if got := table.Ratios(); got["w"]["b"] != 3 || got["w"]["c"] != 6 || got["new"]["b"] != 0.01 {
		t.Errorf("ratios: %v", got)
	}
}

// A page gets the table between its marks and keeps the rest; the plot is well-formed.
func TestPage(t *testing.T) {
	table := Table{Works: []Work{{Name: "w", Title: "a <work>", Unit: "/s"}}, Stacks: []string{"a", "b"}, figures: map[[2]string]*Figure{
		{"w", "a"}: {All: []float64{8}}, {"w", "b"}: {All: []float64{2}},
	}}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := table.WritePage(page, &Plan{}); err == nil {
		t.Error("a page that is not there was written")
	}
	for range 2 { // writing again changes nothing but the place
		if _, err := os.Stat(page); err != nil {
			os.WriteFile(page, []byte("before\n"+pageBegin+"old\n"+pageEnd+"after\n"), 0o666)
		}
		if err := table.WritePage(page, &Plan{Rounds: 5, Span: time.Second}); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(page)
		text := string(b)
		if !strings.HasPrefix(text, "before\n"+pageBegin) || !strings.HasSuffix(text, pageEnd+"after\n") ||
			strings.Contains(text, "old") || !strings.Contains(text, "| 4.00 × |") {
			t.Errorf("the page is\n%s", text)
		}
	}
	plot, err := os.ReadFile(strings.TrimSuffix(page, ".md") + ".svg")
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(plot))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, plot)
		}
	}
	if !bytes.Contains(plot, []byte("a &lt;work&gt;")) || !bytes.Contains(plot, []byte("4.00 ×")) {
		t.Errorf("the plot is\n%s", plot)
	}
}
