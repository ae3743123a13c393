package cli

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/mirror"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/term"
)

// offlineFlag is the help of --offline.
const offlineFlag = "ask no other place: an environment that lives elsewhere is as it was fetched last"

// readFlags are placeFlags for a command that reads values or names.
func readFlags(cmd *cobra.Command) *where {
	w := placeFlags(cmd)
	cmd.Flags().BoolVar(&w.offline, "offline", false, offlineFlag)
	return w
}

// open finds the place to read from, and has it up to date.
func (w *where) open(ctx context.Context) (place, *api.Client, error) {
	p, err := w.locate()
	if err != nil {
		return p, nil, err
	}
	client, err := existing()
	if err != nil {
		return p, nil, err
	}
	return p, client, fresh(ctx, client, p, w.offline)
}

// elsewhere is the address that bailey.yaml gives p's environment, "" if it
// lives in the vault.
func elsewhere(p place) string {
	if p.Manifest == nil {
		return ""
	}
	return p.Manifest.Sources[p.Environment]
}

// fresh brings p's folder in the vault up to date with the place where its
// environment lives, if that is elsewhere, and says how old it is if it cannot.
func fresh(ctx context.Context, client *api.Client, p place, offline bool) error {
	if elsewhere(p) == "" {
		return nil
	}
	e, err := mirrored(client, p)
	if err != nil {
		return err
	}
	var s mirror.State
	if offline {
		s, err = e.Offline()
	} else {
		s, err = e.Update(ctx)
	}
	if err != nil {
		return explainMissing(err, p)
	}
	t := term.Std()
	if s.Why != nil {
		t.Notef("%s is as of %s: %s", p.Environment, ago(s.Fetched), s.Why)
	}
	for _, name := range s.Left {
		t.Notef("%s is left out: it decides which code a program runs; set it in your own environment", name)
	}
	return nil
}

// mirrored is p as a copy of the place that its bailey.yaml names, which
// counts only once a person agreed to it: an agent can write that file.
func mirrored(client *api.Client, p place) (mirror.Environment, error) {
	at, err := source.Parse(elsewhere(p))
	if err == nil {
		at, err = at.In(p.Folder)
	}
	if err != nil {
		return mirror.Environment{}, api.Errorf(api.Invalid, "%s: sources: %s: %s", manifest.Name, p.Environment, err)
	}
	if err := agreed(p); err != nil {
		return mirror.Environment{}, err
	}
	e := mirror.Environment{Client: client, Ref: p.ref(), World: world(client, p), At: at}
	if e.World.Bare(at) {
		return e, api.Errorf(api.Denied, "%s lies in the project in the clear, where an agent can read and change it", at).
			WithHint("keep it elsewhere, or encrypted with age or sops")
	}
	return e, nil
}

func agreed(p place) error {
	if manifest.Confirmed(p.Root, p.Manifest.Hash()) {
		return nil
	}
	if !term.Std().CanAsk() {
		return api.Errorf(api.Denied, "%s says that %s lives at %s, which nobody confirmed", filepath.Join(p.Root, manifest.Name), p.Environment, elsewhere(p)).
			WithHint("look at it and confirm it with: bailey confirm")
	}
	return confirm(false)
}

// world is what places may use here.
func world(client *api.Client, p place) source.World {
	w := source.World{
		Root: p.Root, Lookup: os.LookupEnv, Home: home.User(), Own: client, Project: p.Project,
		Recall: mirror.Recall, Remember: mirror.Remember,
		Identities: func() ([]age.Identity, error) { return identities(nil) },
	}
	if p.Manifest != nil {
		w.Names = p.Manifest.Names()
	}
	return w
}

// writingWorld is world for a person who writes: with keys to encrypt for.
func writingWorld(client *api.Client, p place, keys, to []string, yes bool) (source.World, error) {
	w := world(client, p)
	w.Identities = func() ([]age.Identity, error) { return identities(keys) }
	w.Keep = func(file string, groups [][]string) sops.Keeper { return keeper(file, groups, yes) }
	var err error
	_, w.Recipients, err = recipients(to)
	return w, err
}

// locateToChange is locate for commands that set something: what lives
// elsewhere is set there.
func (w *where) locateToChange() (place, error) {
	p, err := w.locate()
	if err != nil {
		return p, err
	}
	return p, changeable(p)
}

func changeable(p place) error {
	if elsewhere(p) == "" {
		return nil
	}
	return api.Errorf(api.Denied, "%s lives at %s; the vault only keeps a copy", p.Environment, elsewhere(p)).
		WithHint("change it there, or write values of another environment there with: bailey secret transfer")
}

// ago says how old something is, in words.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return "a moment ago"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour") + " ago"
	}
	return plural(int(d/(24*time.Hour)), "day") + " ago"
}
