//go:build !linux

package main

import "testing"

// namespace skips the test: only Linux has network namespaces.
func namespace(t *testing.T) {
	skipUnless(t, false, "there are no network namespaces here")
}
