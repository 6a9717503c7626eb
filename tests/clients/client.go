// client MILLISECONDS ADDRESS: connects as Go programs do (net.DialTimeout), and says how that went.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

func main() {
	limit, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	connection, err := net.DialTimeout("tcp", os.Args[2], time.Duration(limit)*time.Millisecond)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("connected")
	connection.Close()
}
