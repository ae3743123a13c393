package link

import (
	"context"
	"errors"
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/reference"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Options of List and Get.
type Options struct {
	Recursive bool
	NamesOnly bool
	Imports   bool                       // also what the folder imports
	Expand    bool                       // references
	Strict    bool                       // a reference to nothing is an error
	Owner     string                     // whose personal secrets count
	Tags      []vault.ID                 // only secrets with one of them, unless nil
	Version   int                        // Get: an earlier one
	May       func(s *vault.Secret) bool // whether the caller may have that secret; nil: any
}

func (o Options) may(s *vault.Secret) bool { return o.May == nil || o.May(s) }

// Imported is what one import shows, what is nested in it included.
type Imported struct {
	From    vault.Place
	Folder  vault.ID // that is imported
	Secrets []vault.Secret
}

// Listing is a folder as it shows.
type Listing struct {
	Secrets []vault.Secret // by name and then path
	Imports []Imported     // by position: the later wins, and each loses to Secrets
}

// List returns what the folder p shows. Secrets that may not be had are left
// out; a reference to one is ErrDenied for the whole answer.
func List(ctx context.Context, v *vault.Vault, c vault.Caller, p vault.Place, o Options) (Listing, error) {
	q := vault.Question{Action: "secret.list", Place: p}
	if o.NamesOnly {
		q.Detail = "names only"
	}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) (out Listing, err error) {
		l := looker{w: w, o: o}
		list, err := w.List(p, vault.ListOptions{Recursive: o.Recursive, NamesOnly: o.NamesOnly, Owner: o.Owner})
		if err != nil {
			return out, err
		}
		at := w.At
		out.Secrets = slices.DeleteFunc(list, func(s vault.Secret) bool { return !o.may(&s) || !tagged(&s, o.Tags) })
		if o.Imports {
			if out.Imports, err = l.imported(p); err != nil {
				return out, err
			}
		}
		w.At, w.Count = at, len(out.Secrets)
		for i := range out.Secrets {
			err = errors.Join(err, l.expand(&out.Secrets[i]))
		}
		for n := range out.Imports {
			im := &out.Imports[n]
			im.Secrets = slices.DeleteFunc(im.Secrets, func(s vault.Secret) bool { return !tagged(&s, o.Tags) })
			w.Count += len(im.Secrets)
			for i := range im.Secrets {
				err = errors.Join(err, l.expand(&im.Secrets[i]))
			}
		}
		w.At = at
		return out, err
	})
}

func tagged(s *vault.Secret, tags []vault.ID) bool {
	return tags == nil || slices.ContainsFunc(s.Tags, func(t vault.ID) bool { return slices.Contains(tags, t) })
}

// Get returns the one secret that the folder shows by that name: o.Owner's own
// where he has one and r does not say whose.
func Get(ctx context.Context, v *vault.Vault, c vault.Caller, r vault.Ref, o Options) (vault.Secret, error) {
	q := vault.Question{Action: "secret.get", Place: r.Place(), Name: string(r.Name)}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) (vault.Secret, error) {
		l := looker{w: w, o: o}
		s, err := l.own(r)
		at := w.At
		if fault.Kind(err) == fault.ErrMissing.Error() && o.Imports && o.Version == 0 && r.Owner == "" {
			found, ok, ierr := l.find(r.Place(), r.Name)
			if ierr != nil || ok {
				s, err = found, ierr
			}
		}
		if err != nil {
			return s, err
		}
		if !o.may(&s) {
			return s, denied()
		}
		err = l.expand(&s)
		w.At = at
		return s, err
	})
}

// own is the secret that the folder itself holds.
func (l *looker) own(r vault.Ref) (vault.Secret, error) {
	if l.o.Owner != "" && r.Owner == "" && l.o.Version == 0 {
		mine := r
		mine.Owner = l.o.Owner
		if s, err := l.w.Get(mine, 0); !errors.Is(err, fault.ErrMissing) {
			return s, err
		}
	}
	return l.w.Get(r, l.o.Version)
}

func denied() error {
	return fault.New(fault.ErrDenied, "You are not allowed to read on secrets")
}

// looker answers one question.
type looker struct {
	w       *tree.Reader
	o       Options
	folders map[vault.Place]map[secret.Name]*vault.Secret
}

// folder is the secrets of everybody in p, with what it imports behind them.
func (l *looker) folder(p vault.Place) (map[secret.Name]*vault.Secret, error) {
	if known, ok := l.folders[p]; ok {
		return known, nil
	}
	list, err := l.w.List(p, vault.ListOptions{})
	if err != nil {
		return nil, err
	}
	imported, err := l.imported(p)
	if err != nil {
		return nil, err
	}
	out := map[secret.Name]*vault.Secret{}
	for _, im := range imported {
		for i := range im.Secrets {
			out[im.Secrets[i].Name] = &im.Secrets[i]
		}
	}
	for i := range list {
		out[list[i].Name] = &list[i]
	}
	if l.folders == nil {
		l.folders = map[vault.Place]map[secret.Name]*vault.Secret{}
	}
	l.folders[p] = out
	return out, nil
}

func (l *looker) find(p vault.Place, name secret.Name) (vault.Secret, bool, error) {
	imported, err := l.imported(p)
	for _, im := range slices.Backward(imported) {
		for _, s := range im.Secrets {
			if s.Name == name {
				return s, true, err
			}
		}
	}
	return vault.Secret{}, false, err
}

// imported is what the imports of p show, unexpanded.
func (l *looker) imported(p vault.Place) ([]Imported, error) { return l.follow(p, nil) }

func (l *looker) follow(p vault.Place, seen []vault.ID) (out []Imported, err error) {
	at, err := l.w.Spot(p)
	if err != nil {
		return nil, err
	}
	if len(seen) >= maxImports || slices.Contains(seen, at.Folder) {
		return nil, nil
	}
	seen = append(slices.Clone(seen), at.Folder)
	list, err := imports(l.w, at)
	if err != nil {
		return nil, err
	}
	for _, im := range list {
		one, err := l.through(im, seen)
		if fault.Kind(err) == fault.ErrMissing.Error() {
			continue // the folder is gone, or was renamed
		}
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// through is what one import shows: the folder's own secrets, and behind them
// what that folder imports.
func (l *looker) through(im Import, seen []vault.ID) (out Imported, err error) {
	source, err := l.w.Spot(im.From)
	if err != nil || slices.Contains(seen, source.Folder) {
		return Imported{From: im.From}, err
	}
	out = Imported{From: im.From, Folder: source.Folder}
	list, err := l.w.List(im.From, vault.ListOptions{NamesOnly: l.o.NamesOnly})
	if err != nil {
		return out, err
	}
	nested, err := l.follow(im.From, seen)
	if err != nil {
		return out, err
	}
	for _, n := range slices.Backward(nested) {
		list = append(list, n.Secrets...)
	}
	have := map[secret.Name]bool{}
	for _, s := range list {
		if !have[s.Name] && l.o.may(&s) {
			have[s.Name] = true
			out.Secrets = append(out.Secrets, s)
		}
	}
	return out, nil
}

// expand replaces the references in the value of s.
func (l *looker) expand(s *vault.Secret) error {
	if !l.o.Expand || l.o.NamesOnly || !s.References {
		return nil
	}
	e := reference.Expander{Lookup: l.lookup, Strict: l.o.Strict, Limit: vault.MaxValue}
	home := vault.Place{Project: string(s.Project), Environment: s.Environment, Path: s.Path}
	b, err := e.Expand(s.Value.Reveal(), home, fullName(home, s.Name))
	switch {
	case errors.Is(err, reference.ErrNone), errors.Is(err, reference.ErrCycle), errors.Is(err, reference.ErrDeep), errors.Is(err, reference.ErrLarge):
		return &fault.Error{Kind: fault.ErrInvalid, Text: "secret " + path.Join(s.Path, string(s.Name)), Err: err}
	case err != nil:
		return err
	}
	s.Value = secret.NewValue(b)
	return nil
}

func fullName(p vault.Place, name secret.Name) string {
	return p.Environment + ":" + path.Join("/", p.Path, string(name))
}

// lookup is reference.Lookup.
func (l *looker) lookup(home any, n reference.Name) (f reference.Found, at string, ok bool, err error) {
	p := home.(vault.Place)
	if n.Environment != "" {
		p.Environment, p.Path = n.Environment, n.Path
	}
	at = fullName(p, secret.Name(n.Key))
	if l.o.NamesOnly {
		return f, at, false, nil
	}
	secrets, err := l.folder(p)
	switch fault.Kind(err) {
	case fault.ErrMissing.Error(), fault.ErrInvalid.Error():
		return f, at, false, nil
	}
	if err != nil {
		return f, at, false, err
	}
	s, ok := secrets[secret.Name(n.Key)]
	if !ok {
		return f, at, false, nil
	}
	if !l.o.may(s) {
		return f, at, false, denied()
	}
	home = vault.Place{Project: string(s.Project), Environment: s.Environment, Path: s.Path}
	return reference.Found{Value: s.Value.Reveal(), Expand: s.References, Home: home}, fullName(home.(vault.Place), s.Name), true, nil
}
