package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// A value is a flag whose text is read by one of package quantity's functions.
type value[T any] struct {
	to    *T
	parse func(string) (T, error)
	kind  string // as the help names it
	text  string // as it was written
}

// newValue returns a flag that holds *to, whose default is written as text.
func newValue[T any](to *T, text, kind string, parse func(string) (T, error)) *value[T] {
	v := &value[T]{to: to, parse: parse, kind: kind}
	if text != "" {
		if err := v.Set(text); err != nil {
			panic("bug: default of a flag: " + err.Error())
		}
	}
	return v
}

func (v *value[T]) String() string { return v.text }
func (v *value[T]) Type() string   { return v.kind }

func (v *value[T]) Set(s string) error {
	x, err := v.parse(s)
	if err != nil {
		return err
	}
	*v.to, v.text = x, s
	return nil
}

func sizeFlag(to *int64, text string) *value[int64] {
	return newValue(to, text, "SIZE", quantity.Size)
}

func durationFlag(to *time.Duration, text string) *value[time.Duration] {
	return newValue(to, text, "DURATION", quantity.Duration)
}

// addOn gives a verb the flag that chooses its network.
func addOn(cmd *cobra.Command, byDefault string) {
	const usage = "network: kernel (the operating system's), stack (a fresh one of our own, loopback only), or tun:NAME, tap:NAME, eth:NAME (our stack on a device: that of octet up, else a fresh one)"
	addOnFlag(cmd, byDefault, usage, "kernel", "stack", "tun:", "tap:", "eth:")
}

// addOnFlag gives a verb the flag, with the words that complete it.
func addOnFlag(cmd *cobra.Command, byDefault, usage string, words ...string) {
	cmd.Flags().String("on", byDefault, usage)
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	if err := cmd.RegisterFlagCompletionFunc("on", complete); err != nil {
		panic("bug: " + err.Error())
	}
}

// atMost refuses a size that is zero or larger than most.
func atMost(flag string, n, most int64) (int, error) {
	if n < 1 || n > most {
		return 0, outcome.Failf(outcome.Usage, fmt.Sprintf("use a size from 1 to %s octets", quantity.Group(most)), "--%s %s is out of range", flag, quantity.Group(n))
	}
	return int(n), nil
}
