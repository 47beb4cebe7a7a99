package ip

// A list holds the links that lie in other values, in the order in which they
// were pushed. Pushing and removing cost the same however long it is.
type list[T any] struct{ first, last *link[T] }

// A link is what a value needs to be in one list.
type link[T any] struct {
	prev, next *link[T]
	of         *T // the value that the link lies in
}

func (l *list[T]) push(k *link[T]) {
	k.prev = l.last
	if l.last == nil {
		l.first = k
	} else {
		l.last.next = k
	}
	l.last = k
}

func (l *list[T]) remove(k *link[T]) {
	if k.prev == nil {
		l.first = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		l.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	k.prev, k.next = nil, nil
}
