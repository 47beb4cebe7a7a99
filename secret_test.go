package octet

import "testing"

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
	if b := newSecret("alice", nil); b == newSecret("alice", nil) {
		t.Error("two hosts without a seed share a secret")
	}
}
