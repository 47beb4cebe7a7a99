package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// needTool skips the test where a program is missing, and fails it where everything must be there.
func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("OCTET_CI") == "1" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
}

// tshark returns what the program prints about a capture, line by line.
func tshark(t *testing.T, capture []byte, args ...string) []string {
	t.Helper()
	needTool(t, "tshark")
	file := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(file, capture, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	c := exec.Command("tshark", append([]string{"-n", "-r", file}, args...)...)
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, complaints.String())
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// checkShark fails when tshark finds a malformed packet or a bad checksum.
func checkShark(t *testing.T, capture []byte) {
	t.Helper()
	bad := tshark(t, capture, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		"-Y", `_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"`)
	for _, line := range bad {
		t.Errorf("tshark complains: %s", line)
	}
}

// conversation captures a few packets on a pipe without checksums and on a bad
// wire, and returns the file.
func conversation(t *testing.T) []byte {
	t.Helper()
	line := timeline.NewManual()
	var file bytes.Buffer
	c := NewCapture(&file, line, CaptureOptions{})
	a, b := NewPipe(line, PipeOptions{NoSum: true, Segments: true})
	tap := NewTap(a, line, "alice/eth0", c)
	tap.Attach(receiverBatch(func([]Packet) {}))
	b.Attach(receiverFunc(func(mono.Time, *Packet) {
		b.Send(&Packet{NoSum: true, Data: chunk.Copy(segment(true, 50))})
	}))
	line.Advance(1_500_000_000)
	tap.Send(&Packet{NoSum: true, Data: chunk.Copy(segment(false, 100))})
	tap.Flush()
	tap.Send(&Packet{NoSum: true, SegmentSize: 1000, Data: chunk.Copy(segment(false, 5000))})
	tap.Flush()

	w, err := NewWire(line, WireOptions{Name: "dsl", Ethernet: false, Paths: [2]Path{{Loss: Every(2)}}, Observer: c})
	if err != nil {
		t.Fatal(err)
	}
	w.End(1).Attach(receiverBatch(func([]Packet) {}))
	for k := range uint64(4) {
		w.End(0).Send(udp(1, k, 60))
	}
	line.Advance(2_000_000_000)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestCaptureReadsAsItWasWritten(t *testing.T) {
	var got []string
	for _, p := range readAll(t, bytes.NewReader(conversation(t))) {
		b, ethernet, ok := p.IP()
		if ethernet || !ok || len(b) != p.Length || !sumIsRight(t, &Packet{Data: chunk.Borrow(b)}, false) {
			t.Errorf("packet of %d octets reads as %x (%v, %v)", p.Length, b, ethernet, ok)
		}
		got = append(got, fmt.Sprintf("%s %c %d %v %q", p.Interface, p.Direction, p.Length, p.Time.UnixNano(), p.Comments))
	}
	filled := `"checksum filled in by the capture`
	want := []string{
		`alice/eth0 o 140 1500000000 [` + filled + `"]`,
		`alice/eth0 i 110 1500000000 [` + filled + `"]`,
		`alice/eth0 o 5040 1500000000 [` + filled + `; segments of 1000 octets in one"]`,
		`alice/eth0 i 110 1500000000 [` + filled + `"]`,
		`dsl o 60 1500000001 ["lost"]`,
		`dsl o 60 1500000001 ["lost"]`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("read\n%s\nwant\n%s", g, w)
	}
}

func TestTsharkReadsTheCapture(t *testing.T) {
	file := conversation(t)
	checkShark(t, file)
	got := tshark(t, file, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.time_epoch", "-e", "frame.len",
		"-e", "frame.packet_flags_direction", "-e", "frame.comment", "-E", "separator=|")
	want := []string{
		"alice/eth0|1.500000000|140|0x00000002|checksum filled in by the capture",
		"alice/eth0|1.500000000|110|0x00000001|checksum filled in by the capture",
		"alice/eth0|1.500000000|5040|0x00000002|checksum filled in by the capture; segments of 1000 octets in one",
		"alice/eth0|1.500000000|110|0x00000001|checksum filled in by the capture",
		"dsl|1.500000001|60|0x00000002|lost",
		"dsl|1.500000001|60|0x00000002|lost",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("tshark reads\n%s\nwant\n%s", g, w)
	}
}

func TestTapLeavesPacketsAlone(t *testing.T) {
	line := timeline.NewManual()
	a, b := NewPipe(line, PipeOptions{NoSum: true})
	tap := NewTap(a, line, "", NewCapture(io.Discard, line, CaptureOptions{}))
	got := 0
	b.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
		if got++; !p.NoSum || p.Len() != 140 || sumIsRight(t, p, false) {
			t.Errorf("the far end got %d octets, NoSum %v", p.Len(), p.NoSum)
		}
	}))
	data := chunk.Copy(segment(false, 100))
	tap.Send(&Packet{NoSum: true, Data: data.Share()})
	tap.Flush()
	if got != 1 || tap.Missed() != 0 || tap.Info() != a.Info() || tap.Stats() != a.Stats() {
		t.Errorf("%d packets came, %d were missed", got, tap.Missed())
	}
	if err := tap.Close(); err != nil {
		t.Error(err)
	}
}

// Observers may take their time: what cannot be shown is counted, and nothing grows.
func TestTapIsBounded(t *testing.T) {
	line := timeline.NewManual()
	a, b := NewPipe(line, PipeOptions{})
	b.Attach(receiverBatch(func([]Packet) {}))
	seen := 0
	tap := NewTap(a, line, "", observerFunc(func(*Sighting) { seen++ }))
	for k := range uint64(tapMax + 7) {
		tap.Send(numbered(k, 8))
	}
	tap.Flush()
	if seen != tapMax || tap.Missed() != 7 {
		t.Errorf("%d seen and %d missed, want %d and 7", seen, tap.Missed(), tapMax)
	}
}

func TestTapShowsEachPacketOnceAndInOrderWithManySenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		const senders, each = 4, 1000
		next := make([]uint64, senders)
		seen := 0
		tap := NewTap(NewLoopback(line), line, "", observerFunc(func(s *Sighting) {
			if !s.Outgoing {
				return
			}
			if g, k := number(s.Packet)>>32, number(s.Packet)&0xffffffff; next[g] != k {
				t.Errorf("sender %d: packet %d seen in place of %d", g, k, next[g])
			} else {
				next[g]++
			}
			seen++
		}))
		tap.Attach(receiverBatch(func([]Packet) {}))
		for g := range uint64(senders) {
			go func() {
				for k := range uint64(each) {
					tap.Send(numbered(g<<32|k, 64))
					tap.Flush()
				}
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if seen != senders*each {
			t.Errorf("%d packets seen", seen)
		}
	})
}

func TestCaptureOfSeveralDevicesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		var file bytes.Buffer
		c := NewCapture(&file, line, CaptureOptions{Snap: 60})
		const each = 500
		for i := range 4 {
			tap := NewTap(NewLoopback(line), line, fmt.Sprint("lo", i), c)
			tap.Attach(receiverBatch(func([]Packet) {}))
			go func() {
				for k := range uint64(each) {
					tap.Send(udp(1, k, 1000))
					tap.Flush()
				}
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]int)
		for _, p := range readAll(t, &file) {
			if len(p.Data) != 60 || p.Length != 1000 {
				t.Fatalf("%d octets of %d kept, want 60 of 1000", len(p.Data), p.Length)
			}
			seen[fmt.Sprintf("%s %c", p.Interface, p.Direction)]++
		}
		for i := range 4 {
			for _, way := range "io" {
				if n := seen[fmt.Sprintf("lo%d %c", i, way)]; n != each {
					t.Errorf("lo%d, %c: %d packets", i, way, n)
				}
			}
		}
	})
}

// readAll returns the packets of a capture, with Data of their own.
func readAll(t *testing.T, file io.Reader) []Captured {
	t.Helper()
	r, err := NewCaptureReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []Captured
	for {
		p, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, *p)
	}
}

type failingWriter struct {
	after int // octets that it takes
	calls int
}

func (f *failingWriter) Write(b []byte) (int, error) {
	f.calls++
	if f.after -= len(b); f.after < 0 {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

func TestCaptureReportsTheFirstError(t *testing.T) {
	line := timeline.NewManual()
	w := &failingWriter{after: 1000}
	c := NewCapture(w, line, CaptureOptions{Live: true})
	for k := range uint64(100) {
		c.Observe(&Sighting{Device: "x", Packet: udp(1, k, 500)})
	}
	err := c.Flush()
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Flush returned %v", err)
	}
	calls := w.calls
	if c.Close() != err || w.calls != calls {
		t.Error("a capture that failed is written to")
	}
	if len(c.buf) > 4096 {
		t.Errorf("a capture that failed collects %d octets", len(c.buf))
	}
	if _, err := c.KeyLog().Write([]byte("x")); err == nil {
		t.Error("keys were taken by a capture that failed")
	}
}

func TestCaptureLiveAndClosed(t *testing.T) {
	line := timeline.NewManual()
	var file bytes.Buffer
	c := NewCapture(&file, line, CaptureOptions{Live: true})
	c.Observe(&Sighting{Device: "eth0", Ethernet: true, Packet: &Packet{Data: chunk.Copy(make([]byte, 60))}})
	if file.Len() < 100 {
		t.Errorf("only %d octets were written at once", file.Len())
	}
	if _, err := c.KeyLog().Write([]byte("CLIENT_RANDOM 00 00\n")); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	size := file.Len()
	c.Observe(&Sighting{Device: "eth0", Packet: udp(1, 1, 60)})
	if err := c.Close(); err != nil || file.Len() != size {
		t.Errorf("a closed capture grew by %d octets: %v", file.Len()-size, err)
	}
	all := readAll(t, &file) // keys and statistics are passed over
	if len(all) != 1 || all[0].Link != LinkEthernet || all[0].Direction != 'i' || !all[0].Time.Equal(time.Unix(0, 0)) {
		t.Errorf("read %+v", all)
	}
}
