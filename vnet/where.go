package vnet

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// inside are the packages whose callers are meant when an error names a line.
var inside = []string{
	"github.com/octet-net/octet/vnet.",
	"github.com/octet-net/octet/sim.",
}

// where returns file and line of the program that called into vnet or sim.
func where() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !isInside(f.Function) {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "unknown line"
		}
	}
}

func isInside(function string) bool {
	for _, p := range inside {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// bubble returns which testing/synctest bubble the caller is in, as the header of
// its stack names it, empty if in none. There is no call that tells.
func bubble() string {
	var b [128]byte
	header, _, _ := bytes.Cut(b[:runtime.Stack(b[:], false)], []byte("\n"))
	_, name, found := bytes.Cut(header, []byte("synctest bubble "))
	if !found {
		return ""
	}
	end := bytes.IndexAny(name, "],")
	return string(name[:max(end, 0)])
}
