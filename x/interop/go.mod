module github.com/octet-net/octet/x/interop

go 1.26.0

require (
	github.com/octet-net/octet v0.0.0
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
)

replace github.com/octet-net/octet => ../..
