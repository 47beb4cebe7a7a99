//go:build unix

package reach

import (
	"io/fs"
	"syscall"
)

// owner returns whose a file is.
func owner(st fs.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return -1
}
