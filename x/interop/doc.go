// Package interop holds the tests of package interop of the root module that need
// modules which the root stands without: an SSH server on a host of ours.
package interop
