package why

import (
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// New lists what a session is made of.
func New(spec sandbox.Spec, view workspace.View, rules []policy.Rule) *Map {
	m := &Map{Root: view.Root, Home: spec.Identity.Home, Rules: Texts(rules)}
	m.add("/dev", "private", "devices that every program needs, no other")
	m.add("/proc", "private", "of the sandbox's own processes; what changes the machine is read-only")
	for _, path := range spec.Copies {
		m.add(path, "read-only", "a copy of the host's")
	}
	for _, l := range spec.Links {
		m.Places = append(m.Places, Place{Path: l.Target, What: "read-only", Reason: "a link", Link: l.To})
	}
	for _, f := range spec.Files {
		m.add(f.Target, "read-only", "made for the session")
	}
	for _, mount := range spec.Mounts {
		what, reason := m.judge(mount)
		m.add(mount.Target, what, reason)
	}
	for _, n := range view.Watch {
		m.Watched = append(m.Watched, Name{n.Name, n.Reason})
	}
	return m
}

func (m *Map) add(path, what, reason string) {
	m.Places = append(m.Places, Place{Path: path, What: what, Reason: reason})
}

// judge puts a mount into words.
func (m *Map) judge(mount sandbox.Mount) (what, reason string) {
	rel, inside := strings.CutPrefix(mount.Target, m.Root+"/")
	switch {
	case mount.Kind == sandbox.Cover && mount.Source != "":
		return "replaced", "its name says that it holds secrets: each value is a stand-in"
	case mount.Kind == sandbox.Cover && inside:
		return "hidden", "its name says that it holds secrets, or it is a socket of the host: it is empty inside"
	case mount.Kind == sandbox.Cover:
		return "hidden", "settings or credentials of the host: it is empty inside"
	case mount.Kind == sandbox.Tmpfs:
		return "private", "in memory, gone with the session"
	case mount.Kind == sandbox.Overlay:
		return "private", "a copy of the project: bailey apply takes what was written there into your files"
	case mount.Target == m.Root:
		return "allowed", "the project: what is written there is in your files at once"
	case inside && mount.Source == mount.Target && mount.Writable:
		return "allowed", "part of the project"
	case inside && mount.Source == mount.Target:
		return "read-only", "a program of the host acts on it" + by(rel)
	case rel == ".git":
		return "private", "a git directory of the session's own: its hooks and settings stay inside, its commits come home"
	case strings.HasPrefix(mount.Target, "/run/bailey/"):
		return "read-only", "made for the session"
	case mount.Source != mount.Target:
		return "private", "the session's own, not the host's"
	case mount.Writable:
		return "allowed", "shared with the host"
	case strings.HasPrefix(mount.Target, m.Home+"/"):
		return "read-only", "programs and instructions of yours that the command needs"
	}
	return "read-only", "the system's programs"
}

// by names the program that acts on a control file.
func by(rel string) string {
	i := slices.IndexFunc(trigger.Controls, func(c trigger.Control) bool { return c.Name == rel })
	if i < 0 {
		return ""
	}
	return ": " + trigger.Controls[i].Reason
}
