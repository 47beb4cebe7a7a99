//go:build octet_exact

package recipes

import (
	"testing"

	"github.com/octet-net/octet/sim"
)

// The same with real backpressure, by octet test: Write waits when 64 KiB are not
// acknowledged, seven uploads wait for the mutex of the eighth, and time goes on.
func TestHTTP2Backpressure(t *testing.T) { twice(t, parallelUploads(sim.SendBuffer(64<<10))) }
