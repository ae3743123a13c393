package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
)

// show prints what was found and what will become of it.
func (i *initialising) show() {
	s := i.plan.Survey
	t := i.t
	if s.Partial {
		t.Notef("the project is too large to be searched whole: run init in subdirectories, too")
	}
	if i.plan.Nothing() {
		t.Notef("project %s: nothing to import, nothing to write", i.name)
		i.showLeft()
		return
	}
	if len(s.Files) > 0 {
		t.Notef("an agent started here today can read %s in %s:", plural(s.Values(), "value"), plural(len(s.Files), "file"))
		i.showFiles()
	}
	i.showKinds()
	i.showLeft()
	if s.ComposeNeeds {
		t.Notef("%s has env_file: when it names a file that goes, start the stack with --keep in effect,", s.Compose)
		t.Hintf("or declare the variables there and start it with: bailey run -- docker compose up")
	}
	if !i.mayGrant {
		t.Notef("%s came with the repository: what it grants to agents is asked for when the first one starts", manifest.Name)
	}
}

func (i *initialising) showFiles() {
	_, keep := i.plan.Removes()
	rows := [][]string{}
	for j := range i.plan.Survey.Files {
		f := &i.plan.Survey.Files[j]
		fate := "sealed, then removed"
		if slices.Contains(keep, f.Path) {
			fate = "sealed, stays"
		}
		switch {
		case f.Committed:
			fate += "; git tracks it: the values are in its history"
		case f.Tracked:
			fate += "; staged in git, not committed: take it out with git rm --cached"
		}
		place := f.Environment
		if f.Folder != "/" {
			place += " " + f.Folder
		}
		rows = append(rows, []string{f.Path, "→ " + place, plural(len(f.Names), "value"), fate})
	}
	i.t.List(rows)
	for j := range i.plan.Survey.Files {
		f := &i.plan.Survey.Files[j]
		for _, d := range f.Doubts {
			i.t.Notef("%s: %s", f.Path, d)
		}
		if len(f.Expanded) > 0 {
			i.t.Notef("%s: escapes and references are resolved, as dotenv-expand and Compose do, in %s; an app that read the file with "+
				"plain dotenv got them as they stand, and gets another value now: single quotes make both the same", f.Path, strings.Join(f.Expanded, ", "))
		}
	}
}

// showKinds says what agents will see, by name.
func (i *initialising) showKinds() {
	var placeholder, fake []string
	for _, name := range i.plan.Add.Names() {
		s := i.plan.Add.Secrets[name]
		switch {
		case s.Kind() == manifest.AgentFake:
			fake = append(fake, string(name))
		case len(s.Hosts) > 0:
			placeholder = append(placeholder, fmt.Sprintf("%s (works toward %s)", name, strings.Join(s.Hosts, ", ")))
		default:
			placeholder = append(placeholder, string(name))
		}
	}
	var public []string
	for name := range i.plan.Add.Public {
		public = append(public, name)
	}
	slices.Sort(public)
	for _, k := range []struct {
		what  string
		names []string
	}{
		{"agents see a placeholder", placeholder},
		{"agents see a fake value of the same shape, since the code uses it locally", fake},
		{"public, written to " + manifest.Name, public},
	} {
		if len(k.names) > 0 {
			i.t.Notef("%s: %s", k.what, strings.Join(k.names, ", "))
		}
	}
}

func (i *initialising) showLeft() {
	if len(i.plan.Survey.Left) == 0 {
		return
	}
	i.t.Notef("left alone:")
	rows := [][]string{}
	for _, l := range i.plan.Survey.Left {
		rows = append(rows, []string{l.Path, l.Why})
	}
	i.t.List(rows)
}

// showDry prints every file and line that would change.
func (i *initialising) showDry() error {
	remove, _ := i.plan.Removes()
	for _, w := range i.plan.Writes {
		verb := "change"
		if w.Created {
			verb = "write"
		}
		i.t.Printf("%s %s\n", verb, w.Path)
		for _, line := range w.Lines {
			i.t.Printf("  + %s\n", line)
		}
	}
	for _, path := range remove {
		i.t.Printf("remove %s\n", path)
	}
	i.t.Notef("nothing was changed")
	return nil
}

// closing ends with what to do next and with what has probably leaked.
func (i *initialising) closing(ctx context.Context) {
	t := i.t
	if !i.plan.Nothing() {
		t.Notef("project %s is set up; start it with: bailey run -- COMMAND", i.name)
	}
	leaks, complete := i.plan.Leaks(ctx, home.User())
	if len(leaks) > 0 {
		t.Notef("found in plain text outside the project; replace these where they were made:")
		rows := [][]string{}
		for _, l := range leaks {
			rows = append(rows, []string{l.Name, "in ~/" + strings.Join(l.Places, ", ~/")})
		}
		t.List(rows)
	}
	if !complete {
		t.Notef("the search through transcripts and histories was cut short")
	}
	for j := range i.plan.Survey.Files {
		if f := &i.plan.Survey.Files[j]; f.Committed {
			t.Notef("%s is in git's history with its values: replace them where they were made", f.Path)
		}
	}
}
