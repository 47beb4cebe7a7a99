// Package sim runs a test on a network in memory (package vnet) inside a
// testing/synctest bubble: real programs on virtual hosts, over real TCP, with
// delay, loss and partitions, in virtual time.
//
// Test makes the bubble, the network and its seed. What chance does on the links
// comes from the seed, so a test that fails fails again with -sim.seed. When it
// fails, it runs once more by itself, and it is said whether the second run was the
// same packet by packet, and if not where it first differed: the programs of a
// host may race with each other, and then a seed repeats the faults of each flow
// but not the order of everything.
//
//	-sim.seed=N         the seed of all tests; "random" draws one; otherwise it comes from the test's name
//	-sim.seeds=N        run with so many seeds, one after another, until one fails
//	-sim.schedule=FILE  make the faults that a file says, instead of drawing them
//	-sim.shrink         look for the fewest faults with which a failed test still fails
//	-sim.watchdog=D     end the process if the clock stands still for so long in real time
//
// In a bubble a Write never waits by default (SendBuffer gives the host a limit):
// programs that hold a sync.Mutex while they write would stop the virtual clock.
package sim
