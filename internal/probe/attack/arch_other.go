//go:build linux && !amd64

package attack

const x32Socket = 0

// int80 has no counterpart here: the kernel is entered in one way.
func int80(t *try) { t.saw("SIGSYS") }
