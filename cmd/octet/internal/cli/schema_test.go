package cli

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/octet-net/octet/cmd/octet/internal/report"
)

var update = flag.Bool("update", false, "rewrite the schemas and the reference page")

// schemaOf returns the schema of the objects of a stream.
func schemaOf(t *testing.T, verb string, events report.Events) *jsonschema.Schema {
	t.Helper()
	all := &jsonschema.Schema{
		Schema: "https://json-schema.org/draft/2020-12/schema",
		Title:  "One object of octet " + verb + " --json",
	}
	for _, name := range slices.Sorted(maps.Keys(events)) {
		one := &jsonschema.Schema{
			Type: "object", AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}, Required: []string{"v", "event"},
			Properties: map[string]*jsonschema.Schema{"v": {Const: jsonschema.Ptr[any](report.Version)}, "event": {Const: jsonschema.Ptr[any](name)}},
		}
		for i, body := range events[name] {
			s, err := jsonschema.ForType(reflect.TypeOf(body), nil)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(one.Properties, s.Properties)
			if name != "end" || i == 0 { // a verb that failed early has no summary
				one.Required = append(one.Required, s.Required...)
			}
		}
		all.OneOf = append(all.OneOf, one)
	}
	return all
}

// The embedded schemas are those of the objects that the verbs write.
func TestSchemas(t *testing.T) {
	for verb, events := range streams {
		want, err := json.MarshalIndent(schemaOf(t, verb, events), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		if *update {
			if err := os.WriteFile("schema/"+verb+".json", want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := schemas.ReadFile("schema/" + verb + ".json")
		if err != nil || string(got) != string(want) {
			t.Errorf("schema/%s.json is not that of the objects (%v): go test -update", verb, err)
		}
	}
	if *update {
		return // what is embedded is older than the files
	}
	list, err := schemas.ReadDir("schema")
	if err != nil || len(list) != len(streams) {
		t.Errorf("%d schemas for %d streams: %v", len(list), len(streams), err)
	}
}
