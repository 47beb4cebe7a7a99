package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

func TestObjectsBeginWithStartAndCloseWithEnd(t *testing.T) {
	var out, diag bytes.Buffer
	r := New(&out, &diag, Options{JSON: true})
	r.Start("send", "kernel")
	r.Printf("text")
	r.Raw([]byte("raw"))
	r.Event("received", struct {
		From string `json:"from"`
	}{"a\"b"}, DataOf([]byte{0xff}))
	code := r.End(outcome.Failf(outcome.Refused, "try later", "refused"), struct {
		Sent int `json:"sent_octets"`
	}{5})
	if code != outcome.Refused {
		t.Errorf("code %v", code)
	}
	r.End(nil, nil) // a second end is no end
	var events []map[string]any
	for s := bufio.NewScanner(&out); s.Scan(); {
		var m map[string]any
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		events = append(events, m)
	}
	if len(events) != 3 {
		t.Fatalf("%d objects: %v", len(events), events)
	}
	for i, want := range []string{"start", "received", "end"} {
		if events[i]["event"] != want || events[i]["v"] != 1.0 {
			t.Errorf("object %d: %v, want %s", i, events[i], want)
		}
	}
	if e := events[1]; e["from"] != `a"b` || e["data_base64"] != "/w==" || e["octets"] != 1.0 {
		t.Errorf("received: %v", e)
	}
	if e := events[2]; e["exit"] != 5.0 || e["outcome"] != "refused" || e["error"] != "refused; try later" || e["sent_octets"] != 5.0 {
		t.Errorf("end: %v", e)
	}
}

func TestTextGoesWhereItBelongs(t *testing.T) {
	var out, diag bytes.Buffer
	r := New(&out, &diag, Options{})
	r.Start("if", "")
	r.Printf("%s\n", "result")
	r.Event("interface", struct{}{})
	r.Notef("note")
	r.Detailf("detail")
	if code := r.End(nil, nil); code != outcome.Yes {
		t.Errorf("code %v", code)
	}
	if out.String() != "result\n" || diag.String() != "note\n" {
		t.Errorf("out %q, diag %q", &out, &diag)
	}
	r = New(&out, &diag, Options{Quiet: true, Verbose: 1})
	r.Notef("hidden")
	r.Detailf("detail")
	if diag.String() != "note\ndetail\n" {
		t.Errorf("with -q -v: %q", &diag)
	}
}

func TestLabels(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, &out, Options{})
	r.Labelled("wire").Printf("%d\n", 1)
	r.Color = true
	r.Labelled("server").Printf("%d\n", 2)
	if got, want := out.String(), "   wire │ 1\n\x1b[1m server\x1b[0m │ 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestAResultThatCannotBeWrittenIsAFailure(t *testing.T) {
	r := New(full{}, full{}, Options{})
	r.Start("if", "")
	r.Printf("x")
	if !errors.Is(r.Err(), syscall.ENOSPC) {
		t.Errorf("Err() = %v", r.Err())
	}
	if code := r.End(nil, nil); code != outcome.Usage {
		t.Errorf("code %v, want %v", code, outcome.Usage)
	}
}

func TestPyBytes(t *testing.T) {
	// Each expectation is what Python 3 prints for the same bytes.
	for in, want := range map[string]string{
		"":                 `b''`,
		"Hello":            `b'Hello'`,
		"it's":             `b"it's"`,
		`it's "q"`:         `b'it\'s "q"'`,
		`"q"`:              `b'"q"'`,
		"a\\b\n\r\t\x00~":  `b'a\\b\n\r\t\x00~'`,
		"\x7f\xff\u00e9\v": `b'\x7f\xff\xc3\xa9\x0b'`,
	} {
		if got := PyBytes([]byte(in)); got != want {
			t.Errorf("PyBytes(%q) = %s, want %s", in, got, want)
		}
	}
}

// A line of progress comes after a second, not too often, and never stands before
// another line.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		r := New(&b, &b, Options{})
		p := r.Progress("sending", 1e6)
		if p.shown {
			t.Error("progress is shown although nobody looks")
		}
		p.shown = true
		p.Set(1e5)
		if b.Len() != 0 {
			t.Errorf("a short run shows %q", &b)
		}
		time.Sleep(2 * time.Second)
		p.Set(5e5)
		p.Set(6e5) // too soon after
		r.Printf("result\n")
		r.Tellf("note")
		time.Sleep(progressEvery)
		p.Set(7e5)
		p.Done()
		p.Set(8e5)
		const erase = "\r\x1b[K"
		want := "sending ████████████░░░░░░░░░░░░  50% of 1 MB, 250 kB/s" + erase + "result\nnote\n" +
			"sending ████████████████░░░░░░░░  70% of 1 MB, 333 kB/s" + erase
		if b.String() != want {
			t.Errorf("shown\n%q, want\n%q", b.String(), want)
		}
		p = r.Progress("received", 0)
		if got, want := p.line(15e5, time.Second), "received 1.5 MB, 1.5 MB/s"; got != want {
			t.Errorf("without a total %q, want %q", got, want)
		}
	})
}
