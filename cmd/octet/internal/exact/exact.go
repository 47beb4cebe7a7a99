// Package exact makes the overlay of the Go tree with which a test in a synctest
// bubble repeats itself exactly: waits for mutexes let virtual time go on, and every
// choice that the runtime makes at random or by the wall clock comes from a seed.
//
// The overlay is made from the Go tree of the user (go test -overlay), in memory of
// nothing but a few lines of it; where one of them is not as it was in the releases
// that it was made for, there is no overlay but an error.
package exact

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed added
var added embed.FS

// release is the Go release whose runtime the edits were made for and tested with.
const release = "go1.26"

// Experiment is the GOEXPERIMENT under which the heap begins at one address in every
// process, so that maps with pointers for keys are walked in one order.
const Experiment = "norandomizedheapbase64"

// An UnknownGoError says that no overlay can be made for a Go tree.
type UnknownGoError struct {
	Version string
	Why     string
}

func (e *UnknownGoError) Error() string {
	return fmt.Sprintf("exact tests need a few changes to the Go runtime, which are known for %s and not for %s (%s): "+
		"use such a release (GOTOOLCHAIN=%s.8 octet test …), or go test without exactness", release, e.Version, e.Why, release)
}

// Tags are the build tags with which our own packages use what an overlay adds.
func Tags(net bool) []string {
	if net {
		return []string{"octet_exact", "octet_net"}
	}
	return []string{"octet_exact"}
}

// Write makes the overlay for the Go tree at goroot, which is of the version given,
// in a folder below cache, and returns the path for go test -overlay. With net the
// overlay also routes package net to virtual hosts. The path is a function of the
// contents, so that what the go command builds with it stays in its cache.
func Write(cache, goroot, version string, net bool) (string, error) {
	if version != release && !strings.HasPrefix(version, release+".") {
		return "", &UnknownGoError{version, "another release"}
	}
	files, err := edited(goroot, version, net)
	if err != nil {
		return "", err
	}
	return store(cache, goroot, files)
}

// edited returns the changed and added files by their path below src.
func edited(goroot, version string, net bool) (map[string]string, error) {
	files := map[string]string{}
	edits := runtimeEdits
	news := map[string]string{
		"runtime/octet_overlay.go":           "added/runtime.go.txt",
		"internal/synctest/octet_overlay.go": "added/synctest.go.txt",
		"testing/synctest/octet_overlay.go":  "added/testing.go.txt",
	}
	if net {
		edits = append(edits[:len(edits):len(edits)], netEdits...)
		news["net/octet_overlay.go"] = "added/net.go.txt"
	}
	for i := range edits {
		e := &edits[i]
		text, ok := files[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(goroot, "src", filepath.FromSlash(e.file)))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		text, err := e.apply(text)
		if err != nil {
			return nil, &UnknownGoError{version, err.Error()}
		}
		files[e.file] = text
	}
	for path, name := range news {
		b, err := added.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[path] = string(b)
	}
	return files, nil
}

// store writes the files into a folder named by their contents, unless it is there.
func store(cache, goroot string, files map[string]string) (string, error) {
	sum, err := json.Marshal(files) // a map is marshalled in the order of its keys
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(append([]byte(goroot+"\n"), sum...))
	dir := filepath.Join(cache, hex.EncodeToString(hash[:8]))
	list := filepath.Join(dir, "overlay.json")
	if _, err := os.Stat(list); err == nil {
		return list, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(cache, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := fill(made, dir, goroot, files); err != nil {
		return "", err
	}
	// The folder appears whole or not at all; another process may have made it first.
	if err := os.Rename(made, dir); err != nil {
		if _, there := os.Stat(list); there != nil {
			return "", err
		}
	}
	return list, nil
}

// fill writes the files and the list of what they replace into made, which will be
// renamed to dir.
func fill(made, dir, goroot string, files map[string]string) error {
	replace := map[string]string{}
	for path, text := range files {
		name := strings.ReplaceAll(path, "/", "_")
		if err := os.WriteFile(filepath.Join(made, name), []byte(text), 0o644); err != nil {
			return err
		}
		replace[filepath.Join(goroot, "src", filepath.FromSlash(path))] = filepath.Join(dir, name)
	}
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(made, "overlay.json"), append(list, '\n'), 0o644)
}
