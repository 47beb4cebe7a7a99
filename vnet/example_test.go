package vnet_test

import (
	"fmt"
	"io"
	"log"
	"time"

	"github.com/octet-net/octet/vnet"
)

// Two hosts on a switch, in real time: bob sends back what alice says.
func Example() {
	n := vnet.New(vnet.Options{Seed: 1})
	defer n.Close()
	lan, err := n.Switch("lan", vnet.Path{Delay: time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	alice, err := n.Host("alice", lan)
	if err != nil {
		log.Fatal(err)
	}
	bob, err := n.Host("bob", lan)
	if err != nil {
		log.Fatal(err)
	}
	l, err := bob.Listen("tcp", ":7")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.Copy(c, c)
	}()
	c, err := alice.Dial("tcp", "bob:7")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s from %s\n", b, c.RemoteAddr())
	// Output: hello from 10.1.0.2:7
}
