package policy

import (
	"fmt"
	"strconv"
)

// Port is a TCP port of a program inside that this machine's loopback offers.
type Port uint16

// FirstPort is the lowest: what lies below belongs to the system's services on
// every machine, and only root can listen there.
const FirstPort = 1024

// ParsePort reads a port as people write it.
func ParsePort(s string) (Port, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("%.40q is no port: a number from %d to 65535 is expected", s, FirstPort)
	}
	return AsPort(n)
}

// AsPort checks a number.
func AsPort(n int) (Port, error) {
	switch {
	case n >= 1 && n < FirstPort:
		return 0, fmt.Errorf("port %d belongs to the system on this machine: let the program listen on one from %d to 65535", n, FirstPort)
	case n < 1 || n > 65535:
		return 0, fmt.Errorf("%d is no port: a number from %d to 65535 is expected", n, FirstPort)
	}
	return Port(n), nil
}
