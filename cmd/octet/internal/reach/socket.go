package reach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// errNobody says that no octet up holds a device, as far as this user can see.
var errNobody = errors.New("no octet up is on the device")

// home returns the directory for the sockets of this user: one that the system makes
// for each user, or one of our own among temporary files.
func home() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "octet")
	}
	if os.Getuid() == 0 {
		return "/run/octet"
	}
	return filepath.Join(os.TempDir(), "octet-"+strconv.Itoa(os.Getuid()))
}

// places returns where the socket of a device can be: the user's own, or root's, who
// may have opened it for them.
func places(s device.Spec) []string {
	file := string(s.Kind) + "-" + s.Name
	own := filepath.Join(home(), file)
	if roots := filepath.Join("/run/octet", file); roots != own {
		return []string{own, roots}
	}
	return []string{own}
}

// Listen opens the socket at which a stack on a device can be reached by processes of
// this user, and of the user for whom sudo runs this process. Close removes it.
func Listen(s device.Spec) (net.Listener, error) {
	path := places(s)[0]
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was killed: we hold the device
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := hand(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// privateDir makes a directory that only this user can change. That of root can be
// passed by others, to whom it gives single sockets.
func privateDir(dir string) error {
	mode := fs.FileMode(0o700)
	if os.Getuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() || owner(st) != os.Getuid() || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory of this user alone", dir)
	}
	return nil
}

// hand lets nobody but the user at the socket, and whom sudo works for.
func hand(path string) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	uid, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	if os.Getuid() != 0 || err != nil {
		return nil
	}
	return os.Chown(path, uid, -1)
}

// trusted reports whether a directory is this user's or root's: what a stranger has
// put among the temporary files is not who it says.
func trusted(dir string) bool {
	st, err := os.Lstat(dir)
	return err == nil && st.IsDir() && (owner(st) == os.Getuid() || owner(st) == 0)
}

// Dial returns the network of the stack that octet up holds on a device, or
// errNobody.
func Dial(ctx context.Context, s device.Spec) (Network, error) {
	var refused error
	for _, path := range places(s) {
		if !trusted(filepath.Dir(path)) {
			continue
		}
		r := &remote{path: path, on: s}
		_, err := r.NameServers()
		switch {
		case err == nil:
			r.met = true
			return r, nil
		case errors.Is(err, fs.ErrPermission):
			refused = outcome.Failf(outcome.NotPermitted, "run this as the same user", "octet up of another user is on %s", s)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED):
			return nil, outcome.Failf(outcome.Of(err), "", "cannot reach the octet up on %s: %w", s, err)
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, errNobody
}
