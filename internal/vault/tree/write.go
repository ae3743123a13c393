package tree

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// Set makes changes in the folder p and returns the secrets in their order.
// What changes nothing makes no new version.
func (w *Writer) Set(p Place, chs []Change) (out []Secret, err error) {
	env, dir, _, err := w.folder(p)
	if err != nil {
		return nil, err
	}
	for _, ch := range chs {
		s, err := w.set(env, dir, ch)
		if err != nil {
			return nil, err
		}
		out = append(out, env.public(s))
	}
	return out, nil
}

func (w *Writer) set(env environment, dir string, ch Change) (s stored, err error) {
	if err := ch.validate(); err != nil {
		return s, err
	}
	old, ok, err := env.secret(dir, ch.Name, ch.Owner)
	if err != nil {
		return s, err
	}
	there := ok && !old.rec.Deleted
	switch {
	case there && ch.Mode == CreateOnly:
		return s, env.taken(dir, ch.Name)
	case !there && ch.Mode == UpdateOnly:
		return s, env.missing(dir, ch.Name)
	}
	rec := secretRecord{Path: dir, Name: string(ch.Name), Owner: ch.Owner, Created: w.change.Now}
	if there {
		rec = old.rec
	} else if err := env.mayOverride(dir, ch); err != nil {
		return s, err
	}
	rec.apply(ch)
	if rec.Name != string(ch.Name) {
		if err := w.free(env, dir, ch.Rename, ch.Owner); err != nil {
			return s, err
		}
		if err := w.renamePersonal(env, dir, ch); err != nil {
			return s, err
		}
	}
	switch {
	case there && rec.same(old.rec):
		return old, nil
	case ok:
		rec.Created = old.rec.Created
		return w.replace(env, old, rec)
	}
	id, err := ledger.NewUUID()
	if err != nil {
		return s, err
	}
	return w.put(env, id, rec)
}

// mayOverride refuses a personal secret where there is nothing to override.
func (env environment) mayOverride(dir string, ch Change) error {
	if ch.Owner == "" {
		return nil
	}
	if s, ok, err := env.secret(dir, ch.Name, ""); err != nil || ok && !s.rec.Deleted {
		return err
	}
	return env.missing(dir, ch.Name)
}

// free makes a name free for another secret. A deleted one that had it keeps
// its versions, but is no longer found by that name.
func (w *Writer) free(env environment, dir string, name secret.Name, owner string) error {
	s, ok, err := env.secret(dir, name, owner)
	switch {
	case err != nil || !ok:
		return err
	case !s.rec.Deleted:
		return env.taken(dir, name)
	}
	if s.rec.Previous, err = w.change.Keep(env.Scope, s.row); err != nil {
		return err
	}
	s.rec.Displaced = true
	_, err = w.put(env, s.row.ID, s.rec)
	return err
}

// renamePersonal has the overrides of a secret follow its new name.
func (w *Writer) renamePersonal(env environment, dir string, ch Change) error {
	if ch.Owner != "" {
		return nil
	}
	mine, err := env.living(func(r *secretRecord) bool { return r.Owner != "" && r.Path == dir && r.Name == string(ch.Name) })
	if err != nil {
		return err
	}
	for _, s := range mine {
		if err := w.free(env, dir, ch.Rename, s.rec.Owner); err != nil {
			return err
		}
		rec := s.rec
		rec.Name = string(ch.Rename)
		if _, err := w.replace(env, *s, rec); err != nil {
			return err
		}
	}
	return nil
}

func (env environment) taken(dir string, name secret.Name) error {
	return fault.New(fault.ErrExists, "%s has a secret %s already", env.What, join(dir, string(name)))
}

func (ch Change) validate() error {
	for _, n := range []secret.Name{ch.Name, cmp.Or(ch.Rename, ch.Name)} {
		if _, err := secret.ParseName(string(n)); err != nil {
			return &fault.Error{Kind: fault.ErrInvalid, Text: "name of a secret", Err: err}
		}
	}
	size := 0
	for _, m := range ch.Metadata {
		size += len(m.Key) + len(m.Value)
	}
	switch {
	case ch.Value != nil && ch.Value.Len() > MaxValue:
		return fault.New(fault.ErrInvalid, "%s: the value has %d bytes, at most %d are allowed", ch.Name, ch.Value.Len(), MaxValue)
	case ch.Comment != nil && len(*ch.Comment) > maxText, size > maxText:
		return fault.New(fault.ErrInvalid, "%s: comment or metadata have more than %d bytes", ch.Name, maxText)
	}
	return nil
}

// apply sets what ch names.
func (r *secretRecord) apply(ch Change) {
	if ch.Value != nil {
		r.Value, r.References = bytes.Clone(ch.Value.Reveal()), ch.References
	}
	if ch.Comment != nil {
		r.Comment = *ch.Comment
	}
	if ch.Metadata != nil {
		r.Metadata = slices.Clone(ch.Metadata)
	}
	if ch.SkipMultilineEncoding != nil {
		r.SkipMultiline = *ch.SkipMultilineEncoding
	}
	if ch.Tags != nil {
		r.Tags = slices.Clone(ch.Tags)
	}
	if ch.ReminderNote != nil {
		r.ReminderNote = *ch.ReminderNote
	}
	if ch.ReminderDays != nil {
		r.ReminderDays = *ch.ReminderDays
	}
	r.Name = string(cmp.Or(ch.Rename, ch.Name))
}

func (r secretRecord) same(b secretRecord) bool {
	return r.Name == b.Name && bytes.Equal(r.Value, b.Value) && r.Comment == b.Comment &&
		slices.Equal(r.Metadata, b.Metadata) && r.SkipMultiline == b.SkipMultiline && r.References == b.References &&
		slices.Equal(r.Tags, b.Tags) && r.ReminderNote == b.ReminderNote && r.ReminderDays == b.ReminderDays
}

func (w *Writer) put(env environment, id ledger.UUID, rec secretRecord) (stored, error) {
	rec.Actor, rec.Updated, rec.Change = w.actor, w.change.Now, env.Counter()+1
	var name []string
	if !rec.Displaced {
		name = found(rec.Path, rec.Name, rec.Owner)
	}
	row, err := w.change.Put(env.Scope, ledger.Secret, id, rec, name...)
	return stored{row, rec}, err
}

// replace keeps the present version in the history and seals rec as the next.
func (w *Writer) replace(env environment, old stored, rec secretRecord) (s stored, err error) {
	if rec.Previous, err = w.change.Keep(env.Scope, old.row); err != nil {
		return s, err
	}
	return w.put(env, old.row.ID, rec)
}

// bury makes the version that says a secret is deleted.
func (w *Writer) bury(env environment, s stored) error {
	_, err := w.replace(env, s, secretRecord{Path: s.rec.Path, Name: s.rec.Name, Owner: s.rec.Owner, Deleted: true, Created: s.rec.Created})
	return err
}

// Delete soft-deletes secrets and returns them as they were, without values.
// Everybody's secret takes the personal ones with it.
func (w *Writer) Delete(p Place, names []secret.Name, owner string) (out []Secret, err error) {
	env, dir, err := w.locate(p)
	if err != nil {
		return nil, err
	}
	personal, err := env.living(func(r *secretRecord) bool { return r.Owner != "" && r.Path == dir })
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		s, ok, err := env.secret(dir, n, owner)
		if err != nil {
			return nil, err
		}
		if !ok || s.rec.Deleted {
			return nil, env.missing(dir, n)
		}
		if err := w.bury(env, s); err != nil {
			return nil, err
		}
		for _, p := range personal {
			if owner == "" && p.rec.Name == string(n) {
				if err := w.bury(env, *p); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, env.public(s).withoutValue())
	}
	return out, nil
}

// Restore makes a new version with the content of an earlier one. It brings a
// deleted secret back, with its folder.
func (w *Writer) Restore(r Ref, version int) (Secret, error) {
	env, s, err := w.lookup(r)
	if err != nil {
		return Secret{}, err
	}
	old, err := w.version(env, s, version)
	if err != nil {
		return Secret{}, err
	}
	if old.rec.Deleted {
		return Secret{}, fault.New(fault.ErrInvalid, "version %d of %s is its deletion", version, join(s.rec.Path, s.rec.Name))
	}
	if _, err := w.ensureFolder(env.Scope, s.rec.Path); err != nil {
		return Secret{}, err
	}
	rec := old.rec // content of then, name of now
	rec.Name, rec.Path = s.rec.Name, s.rec.Path
	s, err = w.replace(env, s, rec)
	return env.public(s), err
}
