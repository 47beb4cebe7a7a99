//go:build octet_exact

package exact

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// early is made before every bubble.
var early = func() map[string]int {
	m := map[string]int{}
	for i := range 100 {
		m[fmt.Sprint("key ", i)] = i
	}
	return m
}()

// Sixteen goroutines race in every way that the runtime decides by chance.
func TestRace(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	synctest.OctetSetSeed(seed)
	synctest.Test(t, func(t *testing.T) {
		sum := fnv.New64a()
		var mu sync.Mutex
		say := func(words ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(sum, append(words, time.Now().UnixNano())...)
			if rand.IntN(4) == 0 {
				time.Sleep(time.Microsecond) // with the mutex held
			}
		}
		a, b := make(chan int, 320), make(chan int, 320)
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				local := map[*int]int{}
				for j := range 50 {
					local[new(int)] = j
				}
				for range 20 {
					time.Sleep(time.Millisecond)
					a <- i
					b <- i
					select {
					case x := <-a:
						say(i, "a", x)
					case x := <-b:
						say(i, "b", x)
					}
					for k := range early {
						say(k)
						break
					}
					for _, v := range local {
						say(v)
						break
					}
				}
				for {
					select {
					case x := <-a:
						say(x)
					case x := <-b:
						say(x)
					default:
						return
					}
				}
			})
			time.AfterFunc(10*time.Millisecond, func() { say("timer", i) })
		}
		spin := 0
		for range 300_000_000 { // longer than a time slice
			spin++
		}
		say(spin)
		group.Wait()
		fmt.Printf("trace %016x\n", sum.Sum64())
	})
}

// What a goroutine of a host starts runs on that host, also by way of a timer.
func TestHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		synctest.OctetSetHost(7)
		seen := make(chan uint64, 3)
		go func() { seen <- synctest.OctetHost() }()
		time.AfterFunc(time.Second, func() { seen <- synctest.OctetHost() })
		synctest.OctetSetHost(0)
		go func() { seen <- synctest.OctetHost() }()
		time.Sleep(2 * time.Second)
		got := map[uint64]int{}
		for range 3 {
			got[<-seen]++
		}
		if got[7] != 2 || got[0] != 1 {
			t.Errorf("hosts %v, want 7 twice and 0 once", got)
		}
	})
}
