//go:build !linux

// Package seccomp is the system-call filter of a sandbox. It exists on Linux
// only.
package seccomp
