package octet

import "testing"

// The vectors of the reference implementation: key 00…0f, message 00, 01, … n-1.
func TestSipHashVectors(t *testing.T) {
	var key [16]byte
	msg := make([]byte, 0, 16)
	for i := range key {
		key[i] = byte(i)
	}
	want := map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5}
	for n := range 16 {
		if w, ok := want[n]; ok && sipHash(&key, msg) != w {
			t.Errorf("%d octets: %x, want %x", n, sipHash(&key, msg), w)
		}
		msg = append(msg, byte(n))
	}
}

func TestSecretsRepeatBySeedAndDifferOtherwise(t *testing.T) {
	one, two := uint64(1), uint64(2)
	a := newSecret("alice", &one)
	if a != newSecret("alice", &one) {
		t.Error("one seed and name gave two secrets")
	}
	for what, b := range map[string]secret{
		"another seed": newSecret("alice", &two), "another name": newSecret("bob", &one), "no seed": newSecret("alice", nil),
	} {
		if a == b {
			t.Errorf("%s gave the same secret", what)
		}
	}
	if a.isn == a.port || a.isn == a.ts || a.isn == a.ip {
		t.Error("two purposes share a key")
	}
	if newSecret("", nil) == newSecret("", nil) {
		t.Error("two hosts without a seed share a secret")
	}
}
