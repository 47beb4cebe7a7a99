package octet_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated pages under docs")

// A clause is one requirement of an RFC, from docs/clauses/rfcN.txt.
type clause struct {
	id      string // MUST-13, or a section: §2.3
	section string
	text    string
	not     string   // why octet does otherwise
	code    []string // files where a comment cites it
	shown   []string // names of tests that show it, where they do not carry its number
	tests   []string // names of tests
}

// A standard is an RFC with its clauses in order.
type standard struct {
	number  string
	title   string
	clauses []*clause
}

// TestClauses holds the tables docs/rfcN.md to the code: every clause has a line
// that cites it and a test that is named after it, or says why not.
//
// A comment cites RFC 9293 by the id (MUST-13) and the others by section
// (RFC 7323 §2.3). A test carries the number in its name:
// TestRFC9293_MUST13_TimeWaitLasts…, TestRFC7323_2_3_ScaleIsClamped…
func TestClauses(t *testing.T) {
	files, err := filepath.Glob("docs/clauses/rfc*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no clause tables: %v", err)
	}
	citations, tests := comments(t)
	for _, file := range files {
		st := readStandard(t, file)
		for _, c := range st.clauses {
			c.find(st, citations, tests)
		}
		st.check(t)
		st.compare(t)
	}
}

// A citation is a line with a comment that names an RFC or a requirement.
type citation struct{ path, text string }

// comments returns the citations of the code and the names of the tests, in order.
func comments(t *testing.T) (cited []citation, tests []string) {
	names := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	cites := regexp.MustCompile(`//.*(RFC \d|MUST-\d|SHLD-\d|MAY-\d)`)
	_, all := sources(t)
	for _, s := range all {
		b, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if s.isTest() {
			for _, m := range names.FindAllSubmatch(b, -1) {
				tests = append(tests, string(m[1]))
			}
			continue
		}
		for line := range strings.Lines(string(b)) {
			if cites.MatchString(line) {
				cited = append(cited, citation{s.path, line})
			}
		}
	}
	slices.Sort(tests)
	return cited, tests
}

func readStandard(t *testing.T, file string) *standard {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	st := &standard{number: strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "rfc"), ".txt")}
	byID := map[string]*clause{}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			if st.title == "" {
				st.title = strings.TrimSpace(comment)
			}
			continue
		}
		id, rest, ok := strings.Cut(line, " | ")
		if reason, not := strings.CutPrefix(rest, "not: "); not && byID[id] != nil {
			byID[id].not = reason
			continue
		}
		section, text, ok2 := strings.Cut(rest, " | ")
		text, shown, _ := strings.Cut(text, " | ")
		if !ok || !ok2 || byID[id] != nil {
			t.Fatalf("%s:%d: want 'id | section | requirement', each id once: %q", file, n+1, line)
		}
		c := &clause{id: id, section: section, text: text, shown: strings.Fields(shown)}
		byID[id] = c
		st.clauses = append(st.clauses, c)
	}
	return st
}

// find fills in where the clause is cited and which tests show it.
func (c *clause) find(st *standard, cited []citation, tests []string) {
	want := regexp.MustCompile(`\b` + c.id + `\b`)
	if strings.HasPrefix(c.id, "§") {
		want = regexp.MustCompile(`RFC ` + st.number + `[^;)]*` + regexp.QuoteMeta(c.id) + `($|[^\d.]|\.($|\D))`)
	}
	for _, x := range cited {
		if want.MatchString(x.text) && !slices.Contains(c.code, x.path) {
			c.code = append(c.code, x.path)
		}
	}
	for _, name := range tests {
		if (strings.HasPrefix(name, st.testName(c)) || slices.Contains(c.shown, name)) && !slices.Contains(c.tests, name) {
			c.tests = append(c.tests, name)
		}
	}
}

// testName is how the names of tests of a clause begin.
func (st *standard) testName(c *clause) string {
	return "TestRFC" + st.number + "_" + strings.NewReplacer("-", "", "§", "", ".", "_").Replace(c.id) + "_"
}

func (st *standard) check(t *testing.T) {
	t.Helper()
	for _, c := range st.clauses {
		if c.not != "" {
			continue
		}
		if len(c.code) == 0 {
			t.Errorf("RFC %s %s (%s): no line of code cites it", st.number, c.id, c.text)
		}
		if len(c.tests) == 0 {
			t.Errorf("RFC %s %s (%s): no test is named %s…", st.number, c.id, c.text, st.testName(c))
		}
	}
}

// page is the table as people read it.
func (st *standard) page() []byte {
	var b bytes.Buffer
	done, not := 0, 0
	for _, c := range st.clauses {
		if c.not != "" {
			not++
		} else if len(c.tests) > 0 {
			done++
		}
	}
	fmt.Fprintf(&b, "# %s\n\n", strings.TrimSuffix(st.title, "."))
	fmt.Fprintf(&b, "<!-- Generated from docs/clauses/rfc%s.txt, the code and its tests: go test -run TestClauses -update . -->\n\n", st.number)
	fmt.Fprintf(&b, "%d requirements: %d done and tested, %d decided otherwise.\n\n", len(st.clauses), done, not)
	b.WriteString("| id | section | asks | done in | shown by |\n|---|---|---|---|---|\n")
	for _, c := range st.clauses {
		code, tests := strings.Join(places(c.code), ", "), "`"+strings.Join(c.tests, "`, `")+"`"
		if c.not != "" {
			code, tests = "not: "+c.not, strings.Trim(tests, "`")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.id, c.section, c.text, code, tests)
	}
	return b.Bytes()
}

// places are the files that cite a clause, linked.
func places(code []string) []string {
	var out []string
	for _, path := range code {
		out = append(out, "["+path+"](../"+path+")")
	}
	return out
}

func (st *standard) compare(t *testing.T) {
	t.Helper()
	path, page := "docs/rfc"+st.number+".md", st.page()
	if *update {
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, page) {
		t.Errorf("%s is out of date: go test -run TestClauses -update . (%v)", path, err)
	}
}
