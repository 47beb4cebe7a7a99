// Package wholefile writes files that are there whole or not at all: under a
// temporary name beside their own, renamed when they are complete.
package wholefile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A File is written as any other file and appears under its name with Commit.
type File struct {
	*os.File
	name string // where it goes; empty if it is written in place
}

// Create begins a file. It fails at once if the name is taken by a directory or
// the place cannot be written, before any work is done for the file. What is no
// ordinary file, such as /dev/null, is written in place.
func Create(name string) (*File, error) {
	st, err := os.Stat(name)
	switch {
	case err == nil && st.IsDir():
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.New("is a directory")}
	case err == nil && !st.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &File{File: f}, err
	case err == nil:
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return nil, err
		}
	}
	part := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%d.part", filepath.Base(name), os.Getpid()))
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = &fs.PathError{Op: "create", Path: name, Err: pe.Err}
		}
		return nil, err
	}
	return &File{f, name}, nil
}

// Commit puts the file in its place, replacing what is there. After an error
// nothing of it is left.
func (f *File) Commit() error {
	if f.name == "" {
		return f.Close()
	}
	err := f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.File.Name(), f.name)
	}
	if err != nil {
		return cmp.Or(err, os.Remove(f.File.Name()))
	}
	return nil
}

// Discard takes the unfinished file away.
func (f *File) Discard() error {
	if f.name == "" {
		return f.Close()
	}
	return cmp.Or(f.Close(), os.Remove(f.File.Name()))
}
