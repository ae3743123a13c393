package catalogue

import (
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/probe"
)

// Page is doc/probes.md.
func Page() string {
	var b strings.Builder
	modes := probe.Modes()
	fmt.Fprint(&b, intro)
	for _, c := range All() {
		fmt.Fprintf(&b, "\n## %s. %s\n\n| id | attack |", c.Letter, c.Title)
		for _, m := range modes {
			fmt.Fprintf(&b, " `%s`: stopped by | seen as |", m.Name)
		}
		fmt.Fprintf(&b, " known from |\n|---|---|%s---|\n", strings.Repeat("---|---|", len(modes)))
		for _, p := range c.Probes {
			fmt.Fprintf(&b, "| %s | %s%s |", p.ID, cell(p.Attack), whom(p.Who))
			for _, m := range modes {
				layer, how := shown(p, m)
				fmt.Fprintf(&b, " %s | %s |", cell(layer), cell(how))
			}
			fmt.Fprintf(&b, " %s |\n", cell(p.Source))
		}
	}
	fmt.Fprint(&b, lists())
	return b.String()
}

func whom(w probe.Who) string {
	return map[probe.Who]string{probe.Root: " (as root)", probe.User: " (as a user)"}[w]
}

func shown(p probe.Probe, m probe.Mode) (layer, how string) {
	if p.Positive {
		return "must work", ""
	}
	s := p.In(m.Name)
	layer = s.Layer
	if p.OpenIn(m.Name) != "" {
		layer = "**not stopped**"
	}
	return layer, strings.Join(s.How, ", ")
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }

// lists are the probes that prove less than the others, and why.
func lists() string {
	var b strings.Builder
	for _, l := range []struct {
		title string
		why   func(probe.Probe) string
	}{
		{"Not stopped in this version", func(p probe.Probe) string { return p.Open }},
		{"Controls that cannot succeed", func(p probe.Probe) string { return p.Tame }},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n", l.title)
		for _, c := range All() {
			for _, p := range c.Probes {
				if why := l.why(p); why != "" {
					fmt.Fprintf(&b, "- %s, %s: %s.\n", p.ID, strings.ToLower(p.Attack[:1])+p.Attack[1:], why)
				}
			}
		}
	}
	return b.String()
}

const intro = `# Probes

Every known way out of the sandbox that this version claims to stop, tried. Written by ` + "`go run ./probes -doc > doc/probes.md`" + `; a test holds it to the catalogue in ` + "`internal/probe/catalogue`" + `.

Each probe runs twice in a throw-away machine made of namespaces, with a home, a project, services, terminals and a network full of canaries and sinks: once under ` + "`bailey agent`" + `, where it must be stopped in the way its row says, and once without, as its control, where it must succeed. A probe whose control does not succeed fails the suite. What counts is a canary that was read, bytes that arrived at a sink, and what changed on the host; an attacker's own word only counts for calls that have no other trace, and then against Bailey.

` + "`go test ./probes`" + ` runs them as root and as an ordinary user, and again with the kernel saying that it has an older Landlock; ` + "`bailey doctor --attack`" + ` runs them on your own machine.
`
