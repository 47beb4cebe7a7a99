//go:build !unix

package cli

import (
	"context"
	"errors"
)

var errReaderGone = errors.New("the reader of standard output has gone")

// endWithReader returns the context: here a write that finds no reader is an error.
func endWithReader(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
