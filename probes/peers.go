package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
	"github.com/bailey-project/bailey/internal/probe/machine"
)

// peer is another sandbox, started as its own documentation starts an agent in
// a project.
type peer struct {
	name string
	argv []string // before the command; {ws} is the project
}

// srtSettings are the example of its documentation.
const srtSettings = `{"network": {"allowedDomains": [], "deniedDomains": []}, "filesystem": {"denyRead": ["~/.ssh"], "allowWrite": ["."], "denyWrite": [".env"]}}`

func peers(dir string) []peer {
	at := func(p string) string { return filepath.Join(dir, "node_modules", p) }
	return []peer{
		{"bubblewrap", bubblewrap()},
		{"zerobox", []string{at("@zerobox/cli-linux-x64/zerobox"), "--allow-write={ws}", "--"}},
		{"srt", []string{at(".bin/srt"), "-s", filepath.Join(dir, "srt.json")}},
		{"codex", []string{at(".bin/codex"), "sandbox", "-c", `sandbox_mode="workspace-write"`, "--"}},
	}
}

// bubblewrap shows the system and the project, and nothing else.
func bubblewrap() []string {
	argv := []string{"bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"}
	for _, dir := range []string{"/lib", "/lib64", "/bin", "/sbin"} {
		if to, err := os.Readlink(dir); err == nil {
			argv = append(argv, "--symlink", to, dir)
		}
	}
	return append(argv, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", "{ws}", "{ws}", "--chdir", "{ws}")
}

// What a cell of the table says.
const (
	stopped = "stopped"
	out     = "GETS OUT"
	unknown = "not run"
)

// compare runs ourselves and then every peer, and prints one table.
func compare(ctx context.Context, o options) error {
	dir, err := filepath.Abs(o.peers)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "srt.json"), []byte(srtSettings), 0o644); err != nil {
		return err
	}
	job := machine.Job{Mode: probe.Modes()[0]}
	if o.ids != "" {
		job.IDs = strings.Split(o.ids, ",")
	}
	columns := []string{"bailey"}
	control := map[string]bool{}
	cells := map[string]map[string]string{"bailey": {}}
	err = machine.Run(ctx, o.bailey, job, func(r probe.Result) {
		control[r.ID] = r.Control.Leaked
		cells["bailey"][r.ID] = cell(r)
	})
	if err != nil {
		return err
	}
	for _, p := range peers(dir) {
		columns, cells[p.name] = append(columns, p.name), map[string]string{}
		job.Runner, job.Keep, job.SandboxOnly = p.argv, dir, true
		if err := machine.Run(ctx, o.bailey, job, func(r probe.Result) { cells[p.name][r.ID] = cell(r) }); err != nil {
			fmt.Fprintf(os.Stderr, "probes: %s: %v\n", p.name, err)
		}
	}
	table(columns, cells, control)
	return nil
}

func cell(r probe.Result) string {
	switch how := strings.Join(r.Sandbox.How, " "); {
	case r.Sandbox.Leaked:
		return out
	case how == "" || strings.HasPrefix(how, "no report") || strings.HasPrefix(how, "not run"):
		return unknown
	}
	return stopped
}

// table leaves out what no control shows to be an attack, and what only works
// with commands of Bailey's.
func table(columns []string, cells map[string]map[string]string, control map[string]bool) {
	who := "an ordinary user"
	if os.Getuid() == 0 {
		who = "root"
	}
	fmt.Printf("As %s; a probe counts when its control got out.\n\n| | attack | %s |\n|---|---|%s\n", who, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	held, tried := map[string]int{}, map[string]int{}
	for _, c := range catalogue.All() {
		for _, p := range c.Probes {
			if p.Positive || p.Scene != "" || !control[p.ID] {
				continue
			}
			fmt.Printf("| %s | %s |", p.ID, strings.ReplaceAll(p.Attack, "|", `\|`))
			for _, name := range columns {
				verdict := cells[name][p.ID]
				if verdict == "" {
					verdict = unknown
				}
				if verdict != unknown {
					tried[name]++
				}
				if verdict == stopped {
					held[name]++
				}
				fmt.Printf(" %s |", verdict)
			}
			fmt.Println()
		}
	}
	fmt.Print("| | **stopped** |")
	for _, name := range columns {
		fmt.Printf(" **%d of %d** |", held[name], tried[name])
	}
	fmt.Println()
}
