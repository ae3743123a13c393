//go:build !linux

// Package meter notices from within a sandbox that it takes more than it may.
// It exists on Linux only.
package meter
