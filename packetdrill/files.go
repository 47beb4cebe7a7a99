package packetdrill

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/octet-net/octet"
)

// Find returns the scripts that paths name, sorted: files as they are, and of
// folders every file below them that ends in .pkt.
func Find(paths ...string) ([]string, error) {
	var all []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			all = append(all, path)
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(p, ".pkt") {
				all = append(all, p)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 {
		return nil, fmt.Errorf("no packet scripts (*.pkt) in %s", strings.Join(paths, ", "))
	}
	return all, nil
}

// RunFiles runs scripts, as many at a time as there are processors, and tells each
// result in the order of the files. It stops early when the context ends.
func RunFiles(ctx context.Context, files []string, p octet.Profile, tell func(file string, r Result)) error {
	results := make([]chan Result, len(files))
	for i := range results {
		results[i] = make(chan Result, 1)
	}
	next := make(chan int)
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := range next {
				results[i] <- RunFile(files[i], p)
			}
		})
	}
	go func() {
		defer close(next)
		for i := range files {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer work.Wait()
	for i, file := range files {
		select {
		case r := <-results[i]:
			tell(file, r)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// RunFile loads a script and runs it.
func RunFile(path string, p octet.Profile) Result {
	s, err := Load(path)
	if err != nil {
		return Result{Err: err}
	}
	return Run(s, p)
}
