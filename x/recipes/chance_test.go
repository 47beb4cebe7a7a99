//go:debug randseednop=0

package recipes

import (
	"math/rand"

	"github.com/octet-net/octet/sim"
)

// seedChance lets math/rand, from which some programs draw their timeouts, follow the
// seed of the simulation. The setting above brings back the rand.Seed that does it;
// math/rand/v2 has none.
func seedChance(n *sim.Net) { rand.Seed(int64(n.Seed())) }
