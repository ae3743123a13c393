//go:build !linux

package entry

// Main refuses: there is no sandbox here to be probed.
func Main([]string) int { return 1 }
