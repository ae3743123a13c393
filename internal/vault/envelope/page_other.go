//go:build !linux

package envelope

// newPage has no protected memory to offer here: the key is wiped, no more.
func newPage() (page []byte, locked bool, err error) {
	return make([]byte, KeySize), false, nil
}

func freePage([]byte) error { return nil }
