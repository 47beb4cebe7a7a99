package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

const referenceFile = "../../../../docs/command.md"

// reference returns the reference page: every verb with its flags, as cobra writes them.
func reference(t *testing.T) []byte {
	t.Helper()
	var page bytes.Buffer
	page.WriteString("# The command\n\nMade from the definitions of the verbs by `go generate ./cmd/octet`.\n\n")
	root := new(app).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Name() == "help" {
			continue
		}
		c.DisableAutoGenTag = true
		var one bytes.Buffer
		if err := doc.GenMarkdownCustom(c, &one, anchor); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(one.String(), "### SEE ALSO")
		page.WriteString(strings.TrimRight(text, "\n") + "\n\n")
	}
	return append(bytes.TrimRight(page.Bytes(), "\n"), '\n')
}

// anchor turns the name of a page into a place on ours.
func anchor(name string) string {
	return "#" + strings.ReplaceAll(strings.TrimSuffix(name, ".md"), "_", "-")
}

func TestReference(t *testing.T) {
	want := reference(t)
	if *update {
		if err := os.WriteFile(referenceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/command.md is not what the verbs say (%v): go generate ./cmd/octet", err)
	}
}
