package forward

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/secret"
)

// Bounds of a compressed request body: as it comes, and unpacked. It is read
// whole, because what was sent on before it is unpacked cannot be taken back.
const (
	maxPacked   = 8 << 20
	maxUnpacked = 128 << 20
	maxTold     = 32 << 20 // unpacked, where values are taken out
)

// readPacked judges a compressed body by what is in it and sends it on as it is.
// Nothing is put in, as in any text that is neither JSON nor a form.
func (u *upload) readPacked(c coding) error {
	x, size := u.x, u.length
	if size < 0 {
		size = maxPacked
	}
	switch {
	case c.opaque():
		return &refusal{status: http.StatusUnsupportedMediaType, advice: adviceNoRetry,
			reason: "a body in the encoding " + string(c) + " cannot be searched for secrets; send it as it is, or with gzip"}
	case size > maxPacked || !u.hold(size):
		return tooMuch()
	}
	raw, err := io.ReadAll(io.LimitReader(x.r.Body, maxPacked+1))
	if err == nil && len(raw) > maxPacked {
		err = tooMuch()
	}
	if err == nil {
		err = u.judgePacked(c, raw)
	}
	if err != nil {
		u.release()
		return err
	}
	u.length = int64(len(u.whole))
	delete(x.r.Header, "Expect")
	return nil
}

// judgePacked sets what is sent. A host that is told what the agent sees gets a
// body with values in it unpacked and without them.
func (u *upload) judgePacked(c coding, raw []byte) error {
	x, src := u.x, bytes.NewReader(raw)
	u.whole = raw
	if x.told() && x.tables.in == nil {
		return nil
	}
	unpacked, err := c.unpack(src)
	if err != nil {
		return garbled(c)
	}
	if !x.told() {
		// The raw bytes too: gzip has room for a name and a comment.
		if _, err = io.Copy(io.Discard, x.tables.out.Check(bytes.NewReader(raw), x.destination())); err == nil {
			err = drain(x.tables.out.Check(unpacked, x.destination()))
		}
	} else {
		u.whole, err = u.unpackTold(unpacked, raw)
	}
	if _, stopped := errors.AsType[*swap.Stop](err); stopped {
		return err
	}
	if _, refused := errors.AsType[*refusal](err); refused {
		return err
	}
	if err != nil || src.Len() > 0 {
		return garbled(c)
	}
	return nil
}

// unpackTold returns raw, or what is in it without the values that it held.
func (u *upload) unpackTold(unpacked io.Reader, raw []byte) ([]byte, error) {
	var text bytes.Buffer
	found := 0
	body := u.x.without(io.LimitReader(unpacked, maxTold+1), false)
	if a, ok := body.(*swap.Answer); ok {
		tell := a.OnFound
		a.OnFound = func(n secret.Name) { found++; tell(n) }
	}
	if _, err := text.ReadFrom(body); err != nil {
		return nil, err
	}
	switch {
	case text.Len() > maxTold:
		return nil, tooMuch()
	case found == 0:
		return raw, nil
	}
	delete(u.x.r.Header, "Content-Encoding")
	return text.Bytes(), nil
}

func drain(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		return tooMuch()
	}
	return err
}

func tooMuch() error {
	return &refusal{status: http.StatusRequestEntityTooLarge, advice: adviceNoRetry,
		reason: "a compressed body of this size cannot be searched for secrets; send it in parts, or as it is"}
}

func garbled(c coding) error {
	return &refusal{status: http.StatusBadRequest, advice: adviceNoRetry, reason: "its body is not the " + string(c) + " it says it is"}
}
