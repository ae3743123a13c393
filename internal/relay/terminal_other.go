//go:build !linux

package relay

// Terminal is never made on this system: there is no sandbox to relay for.
type Terminal struct{}
