// Octet is TCP/IP to look into: it shows, sends, serves and explains, on the
// operating system's network or on a stack of its own.
package main

import (
	"os"

	"github.com/octet-net/octet/cmd/octet/internal/cli"
)

//go:generate go test ./internal/cli -run Schemas|Reference -update

func main() { os.Exit(cli.Main(os.Args[1:])) }
