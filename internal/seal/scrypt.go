package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/scrypt"

	"github.com/bailey-project/bailey/internal/secret"
)

// Work factors are the logarithm of scrypt's N with r = 8 and p = 1, as in age:
// 2^n × 1 KiB of memory. The least is 64 MiB, so that a slow machine does not
// get a weak file; the most is 512 MiB at creation and 1 GiB on opening, so
// that a planted file can neither exhaust memory nor stall for minutes.
const (
	minFactor = 16
	maxFactor = 19
	capFactor = 20
	// A recovery code has 140 random bits: 2^140 guesses need no stretching,
	// and a person who has lost a passphrase should not wait as well.
	codeFactor = 10
	goal       = 500 * time.Millisecond
	maxFile    = 4 << 10 // a sealed root key has about 250 bytes
)

// sealer is both kinds: a text that goes through age's scrypt recipient.
type sealer struct {
	kind   string
	text   secret.Value
	factor int // 0: measure this machine
}

// Passphrase seals under a passphrase with scrypt, tuned to about half a
// second of this machine. An empty passphrase is an error of Seal and Open.
func Passphrase(p secret.Value) Sealer { return sealer{kind: KindPassphrase, text: p} }

// PassphraseWithCost is Passphrase with a fixed work factor (1 to 20), for tests
// and for machines with little memory: a factor n takes 2^n KiB.
func PassphraseWithCost(p secret.Value, factor int) Sealer {
	return sealer{kind: KindPassphrase, text: p, factor: min(max(factor, 1), capFactor)}
}

// Recovery seals under a recovery code.
func Recovery(c Code) Sealer {
	return sealer{kind: KindRecovery, text: c.canonical(), factor: codeFactor}
}

func (s sealer) Kind() string { return s.kind }

func (s sealer) Seal(root []byte) ([]byte, error) {
	if len(root) != RootSize {
		return nil, fmt.Errorf("root key has %d bytes, want %d", len(root), RootSize)
	}
	r, err := age.NewScryptRecipient(string(s.text.Reveal()))
	if err != nil {
		return nil, err
	}
	factor := s.factor
	if factor == 0 {
		factor = measure()
	}
	r.SetWorkFactor(factor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(root); err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func (s sealer) Open(sealed []byte) ([]byte, error) {
	if err := checkHeader(sealed); err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(string(s.text.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("%w: it is empty", ErrWrong)
	}
	id.SetMaxWorkFactor(capFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrWrong
	} else if err != nil {
		return nil, ErrDamaged
	}
	root, err := io.ReadAll(io.LimitReader(r, RootSize+1))
	if err != nil || len(root) != RootSize {
		return nil, ErrDamaged
	}
	return root, nil
}

// checkHeader refuses, before any work is done, what Seal cannot have written.
func checkHeader(sealed []byte) error {
	rest, ok := bytes.CutPrefix(sealed, []byte("age-encryption.org/v1\n-> scrypt "))
	if !ok || len(sealed) > maxFile {
		return ErrDamaged
	}
	line, _, ok := bytes.Cut(rest, []byte("\n"))
	_, digits, two := bytes.Cut(line, []byte(" "))
	if !ok || !two {
		return ErrDamaged
	}
	factor, err := strconv.Atoi(string(digits))
	if err != nil || factor < 1 {
		return ErrDamaged
	}
	if factor > capFactor {
		return fmt.Errorf("%w: work factor %d, at most %d is accepted", ErrCost, factor, capFactor)
	}
	return nil
}

// measure finds the work factor that comes nearest to goal on this machine.
func measure() int {
	const probe = 14
	start := time.Now()
	if _, err := scrypt.Key([]byte("probe"), make([]byte, 16), 1<<probe, 8, 1, 32); err != nil {
		return minFactor // unreachable: the parameters are constant
	}
	took := time.Since(start)
	factor := probe
	for factor < maxFactor && took < goal*2/3 {
		factor++
		took *= 2
	}
	return max(factor, minFactor)
}
