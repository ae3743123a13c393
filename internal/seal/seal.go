// Package seal decides how the vault's root key rests on disk: under a
// passphrase or a recovery code, each in an age file of its own.
//
// It does not make, keep or use the root key and touches no file. Its
// invariant: whatever bytes Open is given, it does bounded work, and returns
// either exactly the bytes that were sealed or an error.
package seal

import "errors"

// RootSize is the length of a root key in bytes.
const RootSize = 32

// Kinds of Sealer. The kind is also the name of the file in the vault.
const (
	KindPassphrase = "passphrase"
	KindRecovery   = "recovery"
)

// Sealer wraps and unwraps a root key of RootSize bytes. Implementations must
// do bounded work in Open, must not keep root, and must be safe for concurrent
// use. It satisfies vault.Sealer and vault.Opener.
type Sealer interface {
	// Kind names the way of sealing, see the constants.
	Kind() string
	// Seal returns a self-contained file.
	Seal(root []byte) ([]byte, error)
	// Open returns the root key. Errors wrap ErrWrong, ErrDamaged or ErrCost.
	// A flipped byte in some fields of the file cannot be told from a wrong
	// passphrase; the vault knows the file's hash and can.
	Open(sealed []byte) ([]byte, error)
}

// Errors found with errors.Is.
var (
	ErrWrong   = errors.New("wrong passphrase or code")
	ErrDamaged = errors.New("sealed root key is damaged")
	ErrCost    = errors.New("sealed root key asks for too much work")
)
