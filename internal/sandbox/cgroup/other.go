//go:build !linux

// Package cgroup gives a sandbox a control group of its own. It exists on
// Linux only.
package cgroup
