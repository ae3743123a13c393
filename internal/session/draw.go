package session

import (
	"context"
	"slices"

	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/why"
)

// Drawing is what a session would be made of.
type Drawing struct {
	Profile string     `json:"profile"`
	Program string     `json:"program"`
	Dir     string     `json:"dir"`
	Mounts  []Laid     `json:"mounts"` // in the order in which they are laid
	Rules   []why.Rule `json:"network"`
	Env     []string   `json:"environment"` // stand-ins in place of values
}

// Laid is one entry of the mount tree.
type Laid struct {
	Kind   string `json:"kind"` // read-only, writable, hidden, memory, overlay, link, file
	Target string `json:"target"`
	Source string `json:"source,omitempty"`
}

// Draw prepares a session as Plan does, and says what it is made of. Nothing is
// run, asked or left behind.
func Draw(ctx context.Context, o Options) (*Drawing, error) {
	s, err := planned(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.discard()
	spec := s.spec([3]bool{})
	spec.Base = s.base()
	if err := s.judge(spec); err != nil {
		return nil, err
	}
	d := &Drawing{Profile: s.profile.Name, Program: spec.Path, Dir: spec.Dir,
		Rules: why.Texts(s.rules.current()), Env: slices.Sorted(slices.Values(spec.Env))}
	for _, l := range spec.Links {
		d.Mounts = append(d.Mounts, Laid{"link", l.Target, l.To})
	}
	for _, f := range append(spec.Files, copies(spec)...) {
		d.Mounts = append(d.Mounts, Laid{"file", f.Target, ""})
	}
	for _, m := range spec.Mounts {
		d.Mounts = append(d.Mounts, Laid{kindOf(m), m.Target, m.Source})
	}
	return d, nil
}

func copies(spec sandbox.Spec) []sandbox.File {
	var list []sandbox.File
	for _, c := range spec.Copies {
		list = append(list, sandbox.File{Target: c})
	}
	return list
}

// kindOf puts a mount into one word.
func kindOf(m sandbox.Mount) string {
	switch {
	case m.Kind == sandbox.Tmpfs:
		return "memory"
	case m.Kind == sandbox.Overlay:
		return "overlay"
	case m.Kind == sandbox.Cover && m.Source == "":
		return "hidden"
	case m.Kind == sandbox.Bind && m.Writable:
		return "writable"
	}
	return "read-only"
}
