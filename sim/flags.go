package sim

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

var (
	flagSeed     = flag.String("sim.seed", "", "seed of simulated networks, or random")
	flagSeeds    = flag.Int("sim.seeds", 1, "run each simulation with so many seeds")
	flagSchedule = flag.String("sim.schedule", "", "file with the faults to make")
	flagShrink   = flag.Bool("sim.shrink", false, "find the fewest faults with which a failed simulation fails")
	flagWatchdog = flag.Duration("sim.watchdog", 10*time.Second, "real time for which a virtual clock may stand still")
	flagChild    = flag.Bool("sim.child", false, "run as a trial of -sim.shrink")
)

// seeds returns the seeds to run a test with.
func seeds(test string) ([]uint64, error) {
	var first uint64
	switch s := *flagSeed; s {
	case "":
		h := fnv.New64a()
		h.Write([]byte(test))
		first = h.Sum64() & 0xffffff // short enough to be typed
	case "random":
		first = rand.Uint64() & 0xffffff
	default:
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("sim: -sim.seed=%s is no number", s)
		}
		first = n
	}
	list := make([]uint64, max(1, *flagSeeds))
	for i := range list {
		list[i] = first + uint64(i)
	}
	return list, nil
}
