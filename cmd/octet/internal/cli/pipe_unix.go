//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

var errReaderGone = errors.New("the reader of standard output has gone")

// endWithReader returns a context that ends when a write to standard output finds
// nobody who reads, of which the process would die otherwise.
func endWithReader(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE)
	go func() {
		select {
		case <-gone:
			cancel(errReaderGone)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		signal.Stop(gone)
	}
}
