package tcp

// A ring is a queue that grows by doubling and gives its memory back when it
// becomes empty after having been large.
type ring[T any] struct {
	a    []T // length is a power of two, or zero
	head int32
	n    int32
}

// smallRing is how many elements an empty ring may keep room for.
const smallRing = 4

// trim gives all memory back if the ring is empty.
func (r *ring[T]) trim() {
	if r.n == 0 {
		*r = ring[T]{}
	}
}

func (r *ring[T]) len() int { return int(r.n) }

// at returns element i, counted from the oldest.
func (r *ring[T]) at(i int) *T { return &r.a[(int(r.head)+i)&(len(r.a)-1)] }

func (r *ring[T]) last() *T { return r.at(int(r.n) - 1) }

func (r *ring[T]) push(x T) {
	if int(r.n) == len(r.a) {
		r.grow()
	}
	r.a[int(r.head+r.n)&(len(r.a)-1)] = x
	r.n++
}

func (r *ring[T]) grow() {
	a := make([]T, max(1, 2*len(r.a)))
	for i := range r.n {
		a[i] = *r.at(int(i))
	}
	r.a, r.head = a, 0
}

// unpush removes the newest element.
func (r *ring[T]) unpush() {
	var none T
	*r.last() = none
	r.n--
}

// pop removes the oldest element.
func (r *ring[T]) pop() {
	var none T
	*r.at(0) = none
	r.head = (r.head + 1) & int32(len(r.a)-1)
	r.n--
	if r.n == 0 && len(r.a) > smallRing {
		*r = ring[T]{}
	}
}
