// Package listening tells of each TCP port that a program in the sandbox begins
// to listen on, at the moment when it does: the kernel asks here before each
// listen(2), and is told to go on.
//
// It is no wall and never refuses. Its invariant: nothing of the caller's
// memory is read, and whatever can't be found out about a call is let go on
// unreported.
package listening
