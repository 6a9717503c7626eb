// As Ergo listens (irc/listeners.go): what lies at the path is removed, whether that works or not; then listen.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	path := os.Args[1]
	os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening")
	for {
		if _, err := listener.Accept(); err != nil {
			os.Exit(2)
		}
	}
}
