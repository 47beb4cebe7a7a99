module github.com/octet-net/octet/bench

go 1.26.0

require (
	github.com/octet-net/octet v0.0.0
	gvisor.dev/gvisor v0.0.0-20250503011706-39ed1f5ac29c
)

require (
	github.com/google/btree v1.1.2 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.7.0 // indirect
)

replace github.com/octet-net/octet => ..
