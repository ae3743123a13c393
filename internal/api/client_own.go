package api

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// ErrLeaseEnded is what Lease.Wait returns when the daemon locked or died.
var ErrLeaseEnded = errors.New("the vault was locked")

// Status asks what is there; it works while locked and needs no vault.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.call(ctx, http.MethodGet, Base+"/status", nil, &s)
	return s, err
}

// Unlock opens the vault with a passphrase. Denied when it is wrong.
func (c *Client) Unlock(ctx context.Context, passphrase secret.Value) error {
	p := NewPlain(passphrase)
	return c.repeatable().call(ctx, http.MethodPost, Base+"/unlock", Key{Passphrase: &p}, nil)
}

// UnlockWithCode opens the vault with the recovery code.
func (c *Client) UnlockWithCode(ctx context.Context, code secret.Value) error {
	p := NewPlain(code)
	return c.repeatable().call(ctx, http.MethodPost, Base+"/unlock", Key{RecoveryCode: &p}, nil)
}

// Lock locks the vault; every lease ends.
func (c *Client) Lock(ctx context.Context) error {
	return c.repeatable().call(ctx, http.MethodPost, Base+"/lock", struct{}{}, nil)
}

// CreateVault makes the vault and leaves it unlocked. The recovery code that
// it returns exists nowhere else.
func (c *Client) CreateVault(ctx context.Context, passphrase secret.Value) (secret.Value, error) {
	var out Recovery
	err := c.call(ctx, http.MethodPost, Base+"/vault", NewVault{Passphrase: NewPlain(passphrase)}, &out)
	return out.Code.Value(), err
}

// Recover opens the vault with the recovery code and sets a new passphrase.
func (c *Client) Recover(ctx context.Context, code, passphrase secret.Value) error {
	p := NewPlain(code)
	return c.call(ctx, http.MethodPost, Base+"/recover", NewVault{Passphrase: NewPlain(passphrase), RecoveryCode: &p}, nil)
}

// FirstRecoveryCode replaces the code of a vault whose own nobody has seen, and
// returns it. Denied when it was shown.
func (c *Client) FirstRecoveryCode(ctx context.Context) (secret.Value, error) {
	return c.recoveryCode(ctx, Key{})
}

// NewRecoveryCode replaces the code, whatever became of the one before.
// Denied when the passphrase is wrong.
func (c *Client) NewRecoveryCode(ctx context.Context, passphrase secret.Value) (secret.Value, error) {
	p := NewPlain(passphrase)
	return c.recoveryCode(ctx, Key{Passphrase: &p})
}

func (c *Client) recoveryCode(ctx context.Context, body Key) (secret.Value, error) {
	var out Recovery
	err := c.call(ctx, http.MethodPost, Base+"/recovery-code", body, &out)
	return out.Code.Value(), err
}

// RecoveryShown tells the vault that this code was on a person's screen.
// Denied when it is not, or no longer, the vault's.
func (c *Client) RecoveryShown(ctx context.Context, code secret.Value) error {
	return c.repeatable().call(ctx, http.MethodPost, Base+"/recovery-shown", Recovery{Code: NewPlain(code)}, nil)
}

// RecoveryVerified tells the vault that a person proved to have this code.
// Denied when it is not, or no longer, the vault's.
func (c *Client) RecoveryVerified(ctx context.Context, code secret.Value) error {
	return c.repeatable().call(ctx, http.MethodPost, Base+"/recovery-verified", Recovery{Code: NewPlain(code)}, nil)
}

// Projects lists the projects of the vault.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	var out struct{ Projects []Project }
	err := c.call(ctx, http.MethodGet, Base+"/projects", nil, &out)
	return out.Projects, err
}

// Project finds a project by id or slug; Missing when there is none.
func (c *Client) Project(ctx context.Context, idOrSlug string) (Project, error) {
	var p Project
	err := c.call(ctx, http.MethodGet, Base+"/projects/"+idOrSlug, nil, &p)
	return p, err
}

// CreateProject makes a project with the four default environments.
func (c *Client) CreateProject(ctx context.Context, slug string) (Project, error) {
	var p Project
	err := c.call(ctx, http.MethodPost, Base+"/projects", Project{Slug: slug, Name: slug}, &p)
	return p, err
}

// CreateEnvironment adds an environment to a project.
func (c *Client) CreateEnvironment(ctx context.Context, project, slug string) error {
	return c.call(ctx, http.MethodPost, Base+"/projects/"+project+"/environments", Environment{Slug: slug, Name: slug}, nil)
}

// Placeholders derives what a sandbox sees in place of values.
func (c *Client) Placeholders(ctx context.Context, q PlaceholderQuery) ([]Standin, error) {
	var out struct{ Items []Standin }
	err := c.repeatable().call(ctx, http.MethodPost, Base+"/placeholders", q, &out)
	return out.Items, err
}

// PutOriginal seals a file's bytes, so that eject can give them back.
func (c *Client) PutOriginal(ctx context.Context, project string, o Original, content []byte) error {
	p := PlainString(base64.StdEncoding.EncodeToString(content))
	o.Content = &p
	return c.repeatable().call(ctx, http.MethodPut, Base+"/originals"+query("project", project), o, nil)
}

// Originals lists the sealed files of a project, without content.
func (c *Client) Originals(ctx context.Context, project string) ([]Original, error) {
	var out struct{ Originals []Original }
	err := c.call(ctx, http.MethodGet, Base+"/originals"+query("project", project), nil, &out)
	return out.Originals, err
}

// Original reads a sealed file.
func (c *Client) Original(ctx context.Context, project, path string) (Original, []byte, error) {
	var o Original
	if err := c.call(ctx, http.MethodGet, Base+"/originals"+query("project", project, "path", path), nil, &o); err != nil {
		return o, nil, err
	}
	if o.Content == nil {
		return o, nil, Errorf(Internal, "the server's answer is not what was asked for")
	}
	b, err := base64.StdEncoding.DecodeString(string(o.Content.Value().Reveal()))
	return o, b, err
}

// DeleteOriginal forgets a sealed file.
func (c *Client) DeleteOriginal(ctx context.Context, project, path string) error {
	return c.call(ctx, http.MethodDelete, Base+"/originals"+query("project", project, "path", path), nil, nil)
}

// Record appends events to the audit record. It returns when they are on disk.
func (c *Client) Record(ctx context.Context, events ...Event) error {
	return c.call(ctx, http.MethodPost, Base+"/audit", struct {
		Events []Event `json:"events"`
	}{events}, nil)
}

// Events reads the audit record, oldest first.
func (c *Client) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	since := ""
	if !q.Since.IsZero() {
		since = q.Since.UTC().Format(time.RFC3339Nano)
	}
	limit := ""
	if q.Limit > 0 {
		limit = strconv.Itoa(q.Limit)
	}
	var out struct{ Events []Event }
	err := c.call(ctx, http.MethodGet, Base+"/audit"+query("limit", limit, "since", since, "project", q.Project,
		"session", q.Session, "action", q.Action, "outcome", q.Outcome), nil, &out)
	return out.Events, err
}

// VerifyAudit checks the whole audit record and the vault. A problem is an
// answer (OK false), not an error.
func (c *Client) VerifyAudit(ctx context.Context) (Verified, error) {
	var v Verified
	err := c.call(ctx, http.MethodGet, Base+"/audit/verify", nil, &v)
	return v, err
}

// AcceptAudit says what is wrong with the audit record and, when told to
// accept that, goes on with a new one that begins by saying so. Invalid when
// nothing is wrong.
func (c *Client) AcceptAudit(ctx context.Context, passphrase secret.Value, accept bool) (Accepted, error) {
	var out Accepted
	p := NewPlain(passphrase)
	err := c.call(ctx, http.MethodPost, Base+"/audit/accept", Acceptance{Passphrase: &p, Accept: accept}, &out)
	return out, err
}

// Lease is held by whoever keeps plaintext: it ends when the vault locks.
type Lease struct{ resp *http.Response }

// Lease takes a lease. Locked when the vault is. Cancelling ctx gives it up.
func (c *Client) Lease(ctx context.Context) (*Lease, error) {
	resp, err := c.send(ctx, http.MethodGet, Base+"/lease", nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return &Lease{resp: resp}, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return nil, errorFrom(resp.StatusCode, body)
}

// Wait returns ErrLeaseEnded when the vault has been locked or the daemon is
// gone. The holder then wipes what it holds.
func (l *Lease) Wait() error {
	defer l.resp.Body.Close()
	r := bufio.NewReader(l.resp.Body)
	for {
		if _, err := r.ReadByte(); err != nil {
			return ErrLeaseEnded
		}
	}
}
