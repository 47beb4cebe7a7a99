//go:build !octet_exact

package recipes

const exact = false
