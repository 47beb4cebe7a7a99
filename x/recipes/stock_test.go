//go:build !octet_exact

package recipes

import "testing"

// elsewhere would compare two processes; only those of octet test are the same.
func elsewhere(*testing.T) bool { return false }
