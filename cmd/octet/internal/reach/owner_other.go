//go:build !unix

package reach

import "io/fs"

// ownedByUs cannot be told here, where directories of a user are nobody else's.
func ownedByUs(fs.FileInfo) bool { return true }
