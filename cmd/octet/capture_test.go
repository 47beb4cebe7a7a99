package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tshark reads the capture of a bad wire and finds nothing malformed in it.
func TestTsharkReadsTheCapture(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	skipUnless(t, err == nil, "there is no tshark here")
	file := filepath.Join(t.TempDir(), "bad.pcapng")
	demo := exec.Command("octet", "demo", "--tcp", "--size", "200kB", "--loss", "1%", "--dup", "2%", "--reorder", "5%", "--corrupt", "2%", "--seed", "7", "--pcap", file)
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for filter, found := range map[string]bool{
		"_ws.malformed":                       false,
		"tcp.flags.syn == 1":                  true,
		"tcp.flags.fin == 1":                  true,
		`tcp.checksum.status == "Bad"`:        false,
		"tcp.len > 0 and ip.src == 192.0.2.1": true,
	} {
		var said strings.Builder
		cmd := exec.Command(tshark, "-r", file, "-o", "tcp.check_checksum:TRUE", "-Y", filter)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("tshark: %v: %s", err, &said)
		}
		if (len(out) > 0) != found {
			t.Errorf("tshark -Y %q prints %q", filter, out)
		}
	}
}
