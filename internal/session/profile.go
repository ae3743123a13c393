package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/belonging"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/toolchain"
	"github.com/bailey-project/bailey/internal/workspace"
)

// findProfile finds the profile: the one that the user names, else by what the
// command really is, also through npx or a shim, but not through the project's
// own files. Any other command has an empty one, and no file is read for it.
func (s *Session) findProfile() (*profile.Profile, error) {
	name := s.opts.Profile
	if name == "" {
		name, _ = toolchain.OwnAgent(s.opts.Args, s.opts.Env, s.opts.Dir, s.root)
		if name == "" || !profile.Known(name, home.Profiles()) {
			return profile.Plain(), nil
		}
	}
	return profile.Load(name, home.Profiles())
}

// gather looks what of the user's home comes along.
func (s *Session) gather() {
	if s.things = new(belonging.Things); s.profile.Name == profile.Plain().Name {
		return
	}
	o := belonging.Options{Profile: s.profile, Home: s.home, Env: s.opts.Env, Lend: s.keys.lend, Have: s.keys.standin}
	if root, err := safefs.Open(s.homeDir()); err == nil {
		defer root.Close()
		o.Private = root.ReadFile
	}
	s.things = belonging.Gather(o)
	for _, i := range s.things.Items {
		if i.State == belonging.StandIn {
			s.record.note("key.lent", "done", i.What+" "+i.Why)
		}
	}
	// The project is there anyway, and writable.
	s.things.Binds = slices.DeleteFunc(s.things.Binds, func(b belonging.Bind) bool { return within(b.Target, s.root) })
	slices.SortStableFunc(s.things.Binds, func(a, b belonging.Bind) int { return strings.Compare(a.Target, b.Target) })
	s.things.Binds = slices.CompactFunc(s.things.Binds, func(a, b belonging.Bind) bool { return a.Target == b.Target })
}

// brought lays what comes along over the private home.
func (s *Session) brought(spec *sandbox.Spec) {
	for _, b := range s.things.Binds {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: b.Source, Target: b.Target, Optional: true, Idmapped: true, Real: true})
	}
	for _, target := range s.things.Covers {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Kind: sandbox.Cover, Target: target, Optional: true})
	}
	for _, f := range s.things.Etc {
		spec.Files = append(spec.Files, text(f.Target, string(f.Content)))
	}
}

// made are files that are written into the private home.
func (s *Session) made() []workspace.File {
	var list []workspace.File
	for _, f := range s.things.Home {
		list = append(list, workspace.File{Target: f.Target, Content: f.Content})
	}
	return list
}

// profileNotes say what a person should know of the program's home.
func (s *Session) profileNotes() []string {
	var notes []string
	if n := s.profile.Notice(); n != "" {
		notes = append(notes, n)
	}
	var out []string
	for _, i := range s.things.Items {
		switch i.State {
		case belonging.StandIn:
			notes = append(notes, i.What+" is a stand-in inside: "+i.Why)
		case belonging.LeftOut:
			out = append(out, i.What+" ("+i.Why+")")
		}
	}
	if len(out) > 0 {
		notes = append(notes, fmt.Sprintf("of your home stayed outside: %s", shorten(out, 4)))
	}
	return notes
}
