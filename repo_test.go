package octet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/octet-net/octet"

// rooms is the table of the design: what each package may import of ours, and
// whether it is pure (no clock, goroutine, lock, channel, or state of its own).
// Imports go down only. A folder that is not in the table fails the test.
var rooms = map[string]struct {
	pure bool
	may  []string
}{
	"mono":        {pure: true},
	"chunk":       {},
	"timeline":    {may: []string{"mono"}},
	"wire":        {pure: true, may: []string{"chunk"}},
	"tcp/cc":      {pure: true, may: []string{"mono"}},
	"tcp":         {pure: true, may: []string{"wire", "mono", "chunk", "tcp/cc"}},
	"ip":          {pure: true, may: []string{"wire", "mono", "chunk"}},
	"link":        {may: []string{"wire", "mono", "chunk", "timeline"}},
	".":           {may: []string{"wire", "mono", "chunk", "timeline", "tcp", "tcp/cc", "ip", "link"}},
	"vnet":        {may: []string{".", "tcp", "link", "wire", "mono", "chunk", "timeline", "ip"}},
	"sim":         {may: []string{".", "vnet", "tcp", "link", "wire", "mono", "timeline"}},
	"interop":     {},
	"packetdrill": {may: []string{".", "link", "tcp", "tcp/cc", "ip", "wire", "mono", "chunk", "timeline"}},

	"internal/bench": {may: []string{".", "link", "timeline"}}, // measures stacks side by side, for the command and the module bench
}

// impure are the imports that a pure room has no use for.
var impure = []string{"sync", "sync/atomic", "context", "log", "log/slog", "net", "os", "io", "math/rand", "math/rand/v2", "crypto/rand", "runtime", "unsafe"}

// clock are the names of package time that read or wait for a clock.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}

// A source is one parsed file.
type source struct {
	path  string
	room  string
	lines int
	file  *ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// sources parses every Go file of the module but those of nested modules and the command.
func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	set := token.NewFileSet()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(path, d)
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		lines := set.File(f.Pos()).LineCount()
		all = append(all, source{filepath.ToSlash(path), filepath.ToSlash(filepath.Dir(path)), lines, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, all
}

func enter(path string, d fs.DirEntry) error {
	if path == "." {
		return nil
	}
	if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func isTool(room string) bool { return room == "cmd" || strings.HasPrefix(room, "cmd/") }

func TestRepoImportsGoDown(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if isTool(s.room) {
			continue
		}
		room, known := rooms[s.room]
		if !known {
			t.Errorf("%s: folder %s is not in the table of rooms: say its one reason and add it", s.path, s.room)
			continue
		}
		for _, spec := range s.file.Imports {
			checkImport(t, s, room.may, strings.Trim(spec.Path.Value, `"`))
		}
	}
}

func checkImport(t *testing.T, s source, may []string, path string) {
	ours, inside := strings.CutPrefix(path, module)
	ours = strings.TrimPrefix(ours, "/")
	if ours == "" {
		ours = "."
	}
	switch {
	case inside && ours == s.room: // an external test of its own package
	case inside && !slices.Contains(may, ours) && !s.isTest():
		t.Errorf("%s imports %s: not below it in the table of rooms", s.path, ours)
	case !inside && strings.Contains(strings.Split(path, "/")[0], ".") && !s.isTest() && !strings.HasPrefix(path, "golang.org/x/sys/"):
		t.Errorf("%s imports %s: the root module stands on the standard library and x/sys", s.path, path)
	case path == "testing" && !s.isTest() && s.room != "sim":
		t.Errorf("%s imports testing outside a test", s.path)
	}
}

func TestRepoPureRoomsStayPure(t *testing.T) {
	set, all := sources(t)
	for _, s := range all {
		if s.isTest() || !rooms[s.room].pure {
			continue
		}
		for _, spec := range s.file.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); slices.Contains(impure, p) {
				t.Errorf("%s: a pure room imports %s", s.path, p)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if what := impurity(n); what != "" {
				t.Errorf("%s: a pure room has %s", set.Position(n.Pos()), what)
			}
			return true
		})
	}
}

func impurity(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine"
	case *ast.ChanType:
		return "a channel"
	case *ast.SelectStmt:
		return "a select"
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
			return "a clock: time." + n.Sel.Name
		}
	}
	return ""
}

// TestRepoPureRoomsHaveNoState: a variable of a pure package is a table that nobody assigns to.
func TestRepoPureRoomsHaveNoState(t *testing.T) {
	set, all := sources(t)
	globals := map[string]bool{} // room + name
	specs := map[any]bool{}      // the declarations themselves
	for _, s := range all {
		if s.isTest() || !rooms[s.room].pure {
			continue
		}
		for _, d := range s.file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					specs[spec] = true
					for _, name := range spec.(*ast.ValueSpec).Names {
						globals[s.room+" "+name.Name] = true
					}
				}
			}
		}
	}
	for _, s := range all {
		if s.isTest() || !rooms[s.room].pure {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || a.Tok == token.DEFINE {
				return true
			}
			for _, left := range a.Lhs {
				id := base(left)
				if id == nil || id.Obj != nil && !specs[id.Obj.Decl] { // a local of the same name
					continue
				}
				if globals[s.room+" "+id.Name] {
					t.Errorf("%s: a pure room assigns to its variable %s", set.Position(n.Pos()), id.Name)
				}
			}
			return true
		})
	}
}

// base returns the identifier at the root of an expression such as a.b[i].
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func TestRepoSizes(t *testing.T) {
	set, all := sources(t)
	total, count := 0, 0
	for _, s := range all {
		if s.lines > 500 && !s.isTest() && !ast.IsGenerated(s.file) {
			t.Errorf("%s has %d lines, more than 500", s.path, s.lines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
			if n > 100 {
				t.Errorf("%s: %s has %d lines, more than 100", set.Position(f.Pos()), f.Name.Name, n)
			}
			if !s.isTest() {
				total, count = total+n, count+1
			}
		}
	}
	if count > 0 {
		t.Logf("%d functions, %d lines each on average", count, total/count)
	}
}

func TestRepoDocs(t *testing.T) {
	set, all := sources(t)
	docs := map[string][]string{}
	for _, s := range all {
		if s.isTest() {
			continue
		}
		if _, seen := docs[s.room]; !seen {
			docs[s.room] = nil
		}
		if s.file.Doc != nil {
			docs[s.room] = append(docs[s.room], s.path)
		}
		for _, d := range s.file.Decls {
			if pos, name := undocumented(d); name != "" && !isTool(s.room) {
				t.Errorf("%s: exported %s has no comment", set.Position(pos), name)
			}
		}
	}
	names := make([]string, 0, len(docs))
	for room := range docs {
		names = append(names, room)
	}
	sort.Strings(names)
	for _, room := range names {
		if n := len(docs[room]); n != 1 {
			t.Errorf("%s has %d package comments (%v), want one", room, n, docs[room])
		}
	}
}

// undocumented returns the first exported name of a declaration that no comment explains.
func undocumented(d ast.Decl) (token.Pos, string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			return d.Pos(), d.Name.Name
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if pos, name := undocumentedSpec(d, spec); name != "" {
				return pos, name
			}
		}
	}
	return 0, ""
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	id := base(d.Recv.List[0].Type)
	return id != nil && id.IsExported()
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) (token.Pos, string) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			return s.Pos(), s.Name.Name
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				return n.Pos(), n.Name
			}
		}
	}
	return 0, ""
}

func TestRepoReplacesNoModule(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mod), "\nreplace ") {
		t.Error("go.mod has a replace directive: a released module must not")
	}
}
