//go:build !linux

package main

// pid1 does nothing: there is no sandbox here, and "bailey-init" is then an
// unknown command. So is what the probes start.
func pid1() {}

func attack() {}
