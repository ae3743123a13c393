// Package notify is the kernel's way to ask another process about a system call
// before it is made (seccomp_unotify(2)).
//
// It judges nothing and reads no memory of the caller. Its invariant: a call
// that was received is answered once, by whoever received it; what is let go
// on must have no pointer, which the kernel would read a second time.
package notify
