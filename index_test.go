package octet

import "testing"

// An index agrees with a map about what is in it, whatever the order of the calls,
// also when many tuples ask for few slots.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x81\x02\x82\x03"))
	f.Add([]byte{0, 8, 16, 24, 32, 40, 48, 56, 128 + 8, 16, 128 + 16, 128 + 32, 24, 40, 7, 15, 23, 128 + 7, 31, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var x index[*Socket]
		twin := map[tuple]*Socket{}
		for _, op := range ops {
			k := tupleNumber(int(op & 127))
			hash := uint32(op&7) * 3 // some ask for the same slot, some for neighbours
			s := &Socket{tuple: k}
			switch {
			case op >= 128:
				x.remove(&k, hash)
				delete(twin, k)
			case x.add(s, hash) == (twin[k] != nil):
				t.Fatalf("tuple %d is taken: %v", op, twin[k] != nil)
			case twin[k] == nil:
				twin[k] = s
			}
			if x.used != len(twin) {
				t.Fatalf("%d slots are used for %d things", x.used, len(twin))
			}
			if got := x.get(&k, hash); got != twin[k] {
				t.Fatalf("tuple %d: got %p, want %p", op&127, got, twin[k])
			}
		}
		n := 0
		for s := range x.all() {
			if n++; twin[s.tuple] != s {
				t.Fatal("it holds what was taken out")
			}
		}
		for i := range 128 {
			k := tupleNumber(i)
			if got := x.get(&k, uint32(i&7)*3); got != twin[k] {
				t.Fatalf("tuple %d: got %p, want %p in the end", i, got, twin[k])
			}
		}
		if n != len(twin) || len(x.slots) > max(leastSlots, 8*(n+1)) {
			t.Fatalf("%d of %d things are in %d slots", n, len(twin), len(x.slots))
		}
	})
}
