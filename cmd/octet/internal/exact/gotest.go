package exact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A GoTest is one run of go test with the overlay.
type GoTest struct {
	Args   []string // as go test takes them: flags, packages, flags of the test binary
	Net    bool     // route package net to virtual hosts
	Shrink bool     // reduce a failing schedule of faults
	JSON   bool     // write test2json's objects
}

// Command makes the command that runs the tests, after writing the overlay for the
// Go tree that the current folder uses. The errors say what to do.
func (g *GoTest) Command(ctx context.Context) (*exec.Cmd, error) {
	env, err := goEnv(ctx, "GOROOT", "GOVERSION", "GOFLAGS", "GOEXPERIMENT")
	if err != nil {
		return nil, err
	}
	tags, rest := takeTags(g.Args, env["GOFLAGS"])
	if has(rest, "overlay") || has(strings.Fields(env["GOFLAGS"]), "overlay") {
		return nil, errors.New("go test takes one -overlay, and octet test brings its own: leave the other one out")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no folder for the changed files of the Go tree: %w: set XDG_CACHE_HOME", err)
	}
	overlay, err := Write(filepath.Join(cache, "octet", "exact"), env["GOROOT"], env["GOVERSION"], g.Net)
	if err != nil {
		return nil, err
	}
	args := []string{"test", "-overlay", overlay, "-tags", strings.Join(append(tags, Tags(g.Net)...), ",")}
	if g.JSON {
		args = append(args, "-json")
	}
	args = append(args, rest...)
	if g.Shrink {
		args = append(args, "-sim.shrink")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOEXPERIMENT="+experiments(env["GOEXPERIMENT"]))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd, nil
}

// goEnv asks the go command for settings.
func goEnv(ctx context.Context, names ...string) (map[string]string, error) {
	out, err := exec.CommandContext(ctx, "go", append([]string{"env"}, names...)...).Output()
	switch failed := (*exec.ExitError)(nil); {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("the go command is not in PATH: octet test runs go test with it")
	case errors.As(err, &failed):
		return nil, fmt.Errorf("go env: %s", firstLine(string(failed.Stderr)))
	case err != nil:
		return nil, err
	}
	values := strings.Split(string(out), "\n")
	env := map[string]string{}
	for i, name := range names {
		if i < len(values) {
			env[name] = strings.TrimSpace(values[i])
		}
	}
	return env, nil
}

// takeTags takes the build tags out of the arguments, where go test would let the
// last of two lists win, and adds those of GOFLAGS.
func takeTags(args []string, goflags string) (tags, rest []string) {
	add := func(list string) {
		tags = append(tags, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	for _, f := range strings.Fields(goflags) {
		if list, ok := flagValue(f, "tags"); ok {
			add(list)
		}
	}
	for i := 0; i < len(args); i++ {
		switch list, ok := flagValue(args[i], "tags"); {
		case args[i] == "-args" || args[i] == "--args":
			return tags, append(rest, args[i:]...)
		case ok:
			add(list)
		case isFlag(args[i], "tags") && i+1 < len(args):
			i++
			add(args[i])
		default:
			rest = append(rest, args[i])
		}
	}
	return tags, rest
}

// flagValue returns V of -name=V.
func flagValue(arg, name string) (string, bool) {
	flag, v, ok := strings.Cut(arg, "=")
	return v, ok && isFlag(flag, name)
}

func isFlag(arg, name string) bool { return arg == "-"+name || arg == "--"+name }

// has reports whether the flag is among the arguments of go test.
func has(args []string, name string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		_, ok := flagValue(a, name)
		return ok || isFlag(a, name)
	})
}

// experiments adds ours to those that the user asked for.
func experiments(asked string) string {
	if asked == "" {
		return Experiment
	}
	return asked + "," + Experiment
}
