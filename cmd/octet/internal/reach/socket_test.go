package reach

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/device"
)

// The socket of a device is found by its name, is this user's alone, and takes the
// place of one whose process was killed.
func TestSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes on Windows")
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	spec := device.Spec{Kind: device.TUN, Name: "test"}
	if _, err := Dial(t.Context(), spec); !errors.Is(err, errNobody) {
		t.Fatalf("before there is one: %v", err)
	}
	path := places(spec)[0]
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // left by a process that was killed
		t.Fatal(err)
	}
	l, err := Listen(spec)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", st, err)
	}
	h := octet.NewHost()
	defer h.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		Serve(ctx, l, Own(h))
	}()
	n, err := Dial(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-served
	if _, err := n.Routes(); !errors.Is(err, errGone) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it leaves its socket: %v", err)
	}
}

// A directory that others can write to is nothing to put a socket in.
func TestSocketRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes on Windows")
	}
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	home := filepath.Join(dir, "octet")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(device.Spec{Kind: device.TUN, Name: "test"}); err == nil {
		l.Close()
		t.Error("everybody may write where the socket is")
	}
}
