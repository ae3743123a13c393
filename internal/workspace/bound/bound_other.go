//go:build !linux

package bound

import "errors"

// Sockets can't be had here.
func Sockets() (map[uint32]bool, error) { return nil, errors.ErrUnsupported }
