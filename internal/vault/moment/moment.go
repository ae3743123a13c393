// Package moment sees an environment as it was: at a time, or after one of its
// changes. It compares two such states and puts an earlier one back.
//
// Nothing is stored for it: the versions of secrets, each of which is vouched
// for, say when they were written. Folders count only through the secrets in
// them, and tags and imports have no past. Its invariant: putting a state back
// writes new versions and takes none away, so that it can be undone.
package moment

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Point is a moment in the life of an environment; the zero Point is now.
type Point struct {
	Time    time.Time // the last state at or before it
	Version uint64    // the state that the environment's change of that number left; wins
}

// key is what is unique at any one moment.
type key struct {
	path string
	name secret.Name
}

// state is what there was.
type state map[key]*vault.Secret

// at picks of every secret the version that counted at p. Personal secrets are
// not looked at: they are their owners'.
func at(ages [][]vault.Secret, p Point) state {
	out := state{}
	for _, age := range ages {
		for i := range age { // the newest first
			if s := &age[i]; p.covers(s) {
				if !s.Deleted && s.Owner == "" {
					out[key{s.Path, s.Name}] = s
				}
				break
			}
		}
	}
	return out
}

// covers says whether s was written at p or before. A version from before
// format 2 has no number: it is older than any that has.
func (p Point) covers(s *vault.Secret) bool {
	switch {
	case p.Version > 0:
		return s.Change <= p.Version
	case !p.Time.IsZero():
		return !s.UpdatedAt.After(p.Time)
	}
	return true
}

// read is the state of a place at p.
func read(w *tree.Reader, place vault.Place, p Point) (state, error) {
	env, err := w.Environment(place.Project, place.Environment)
	if err != nil {
		return nil, err
	}
	if p.Version > env.Version {
		return nil, fault.New(fault.ErrMissing, "environment %s has no version %d, only 1 to %d", env.Slug, p.Version, env.Version)
	}
	ages, err := w.Ages(place.Project, place.Environment)
	return at(ages, p), err
}

// Kinds of a Difference.
const (
	Added   = "added"   // only the second has it
	Removed = "removed" // only the first has it
	Changed = "changed" // both have it, with different values
	Noted   = "noted"   // the values are the same; a comment, tag or the like is not
)

// Difference between two states; it holds no value.
type Difference struct {
	Path string
	Name secret.Name
	Kind string
}

// Side is one side of a comparison.
type Side struct {
	Environment string
	Point       Point
}

// Diff compares two environments of a project, or one with its past.
func Diff(ctx context.Context, v *vault.Vault, c vault.Caller, project string, a, b Side) ([]Difference, error) {
	q := vault.Question{Action: "environment.diff", Place: vault.Place{Project: project, Environment: a.Environment}, Detail: "with " + b.Environment}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Difference, error) {
		old, err := read(w, vault.Place{Project: project, Environment: a.Environment}, a.Point)
		if err != nil {
			return nil, err
		}
		now, err := read(w, vault.Place{Project: project, Environment: b.Environment}, b.Point)
		return compare(old, now), err
	})
}

func compare(old, now state) (out []Difference) {
	for k, s := range old {
		switch t, ok := now[k]; {
		case !ok:
			out = append(out, Difference{k.path, k.name, Removed})
		case !s.Value.Equal(t.Value):
			out = append(out, Difference{k.path, k.name, Changed})
		case !same(s, t):
			out = append(out, Difference{k.path, k.name, Noted})
		}
	}
	for k := range now {
		if _, ok := old[k]; !ok {
			out = append(out, Difference{k.path, k.name, Added})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name)) })
	return out
}

func same(a, b *vault.Secret) bool {
	return bytes.Equal(a.Value.Reveal(), b.Value.Reveal()) && a.Comment == b.Comment && slices.Equal(a.Metadata, b.Metadata) &&
		a.SkipMultilineEncoding == b.SkipMultilineEncoding && a.References == b.References && slices.Equal(a.Tags, b.Tags) &&
		a.ReminderNote == b.ReminderNote && a.ReminderDays == b.ReminderDays
}

// List is what an environment held at p, by path and name.
func List(ctx context.Context, v *vault.Vault, c vault.Caller, place vault.Place, p Point) ([]vault.Secret, error) {
	q := vault.Question{Action: "environment.past", Place: place}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]vault.Secret, error) {
		was, err := read(w, place, p)
		out := make([]vault.Secret, 0, len(was))
		for _, s := range was {
			out = append(out, *s)
		}
		slices.SortFunc(out, func(a, b vault.Secret) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name)) })
		w.Count = len(out)
		return out, err
	})
}

// Commit is one change of an environment.
type Commit struct {
	Version uint64
	Time    time.Time
	Actor   string
	Names   []string // path and name of the secrets it wrote
}

// Log lists the changes of an environment, newest first, as far as they wrote
// secrets since the vault has format 2.
func Log(ctx context.Context, v *vault.Vault, c vault.Caller, place vault.Place) ([]Commit, error) {
	q := vault.Question{Action: "environment.log", Place: place}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Commit, error) {
		ages, err := w.Ages(place.Project, place.Environment)
		commits := map[uint64]*Commit{}
		for _, age := range ages {
			for _, s := range age {
				if s.Change == 0 || s.Owner != "" {
					continue
				}
				one := commits[s.Change]
				if one == nil {
					one = &Commit{Version: s.Change, Time: s.UpdatedAt, Actor: s.Actor}
					commits[s.Change] = one
				}
				one.Names = append(one.Names, full(s.Path, s.Name))
			}
		}
		out := make([]Commit, 0, len(commits))
		for _, n := range slices.Backward(slices.Sorted(maps.Keys(commits))) {
			slices.Sort(commits[n].Names)
			out = append(out, *commits[n])
		}
		return out, err
	})
}

func full(path string, name secret.Name) string {
	if path == "/" {
		return "/" + string(name)
	}
	return path + "/" + string(name)
}

// Rollback makes an environment what it was at p, and says what that changes;
// with dry it says so only.
func Rollback(ctx context.Context, v *vault.Vault, c vault.Caller, place vault.Place, p Point, dry bool) ([]Difference, error) {
	q := vault.Question{Action: "environment.rollback", Place: place}
	if dry {
		q.Detail = "dry run"
		return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Difference, error) {
			was, now, err := both(w, place, p)
			return compare(now, was), err
		})
	}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) ([]Difference, error) {
		was, now, err := both(&w.Reader, place, p)
		if err != nil {
			return nil, err
		}
		return compare(now, was), restore(w, place, was, now)
	})
}

func both(w *tree.Reader, place vault.Place, p Point) (was, now state, err error) {
	if was, err = read(w, place, p); err != nil {
		return nil, nil, err
	}
	now, err = read(w, place, Point{})
	return was, now, err
}

// restore goes by name, not by id: where a name had passed from one secret to
// another, each name gets its value of then.
func restore(w *tree.Writer, place vault.Place, was, now state) error {
	for _, k := range ordered(now) {
		if _, keep := was[k]; keep {
			continue
		}
		place.Path = k.path
		if _, err := w.Delete(place, []secret.Name{k.name}, ""); err != nil {
			return err
		}
	}
	for _, k := range ordered(was) {
		s := was[k]
		place.Path = k.path
		if _, err := w.CreateFolder(place); err != nil {
			return err
		}
		ch := vault.Change{Name: k.name, Value: &s.Value, References: s.References, Comment: &s.Comment, Metadata: orEmpty(s.Metadata),
			SkipMultilineEncoding: &s.SkipMultilineEncoding, Tags: orEmpty(s.Tags), ReminderNote: &s.ReminderNote, ReminderDays: &s.ReminderDays}
		if _, err := w.Set(place, []vault.Change{ch}); err != nil {
			return err
		}
	}
	return nil
}

func ordered(s state) []key {
	return slices.SortedFunc(maps.Keys(s), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.name, b.name))
	})
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
