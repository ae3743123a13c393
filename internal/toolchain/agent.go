package toolchain

import (
	"bytes"
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/toolchain/command"
)

const (
	maxDepth  = 12       // wrappers, scripts and scripts' scripts
	maxFiles  = 4        // scripts that call scripts
	maxJudged = 400      // commands in all
	maxText   = 64 << 10 // of one script
)

// judge looks for an agent in a command. It errs on the side of no agent where
// only running the command would tell.
type judge struct {
	env     []string
	project string // nothing that lies there counts; "" for all does
	left    int
	files   int
}

// Agent reports whether a command is a known AI agent, also through a wrapper,
// a package runner, a shell command line, a script or a package.json. The name
// is that of the agent's program.
func Agent(argv, env []string, dir string) (name string, is bool) {
	return (&judge{env: env, left: maxJudged}).name(argv, dir)
}

// OwnAgent is Agent by the user's own programs: a script, a package.json or a
// program that lies in the project says nothing. Whoever wrote the project
// could otherwise have the user's keys lent to what he wrote.
func OwnAgent(argv, env []string, dir, project string) (name string, is bool) {
	return (&judge{env: env, project: project, left: maxJudged}).name(argv, dir)
}

func (j *judge) name(argv []string, dir string) (string, bool) {
	if a := j.judge(argv, dir, 0); a != nil {
		return a.names[0], true
	}
	return "", false
}

// foreign reports whether path lies in the project, itself or by its links.
func (j *judge) foreign(path string) bool {
	if j.project == "" {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	return within(j.project, path) || err == nil && within(j.project, real)
}

// installed reports whether the project has the package that a runner would
// take before the user's own.
func (j *judge) installed(a *agent, dir string) bool {
	for ; j.project != "" && within(j.project, dir); dir = filepath.Dir(dir) {
		for _, n := range a.names {
			if exists(dir, "node_modules/.bin/"+n) || exists(dir, ".venv/bin/"+n) {
				return true
			}
		}
		for _, p := range a.packages {
			if exists(dir, "node_modules/"+p) {
				return true
			}
		}
	}
	return false
}

// judge judges one command as execve would get it.
func (j *judge) judge(argv []string, dir string, depth int) *agent {
	for len(argv) > 0 && command.Assignment(argv[0]) {
		argv = argv[1:]
	}
	if j.left--; len(argv) == 0 || argv[0] == "" || j.left < 0 || depth > maxDepth {
		return nil
	}
	if a := direct(argv); a != nil {
		return j.own(a, argv[0], dir)
	}
	if in, ok := command.Unwrap(argv); ok {
		if a := j.wrapped(in, argv, dir, depth); a != nil {
			return a
		}
	}
	return j.found(argv, dir, depth)
}

// own is a, unless the project brings the program of that name.
func (j *judge) own(a *agent, name, dir string) *agent {
	if j.project == "" {
		return a
	}
	f := &finder{env: j.env, dir: dir, path: searched(j.env)}
	if p, err := f.lookup(name); err == nil && j.foreign(p) {
		return nil
	}
	return a
}

// direct goes by the name alone.
func direct(argv []string) *agent {
	base := path.Base(argv[0])
	if len(argv) > 1 {
		switch {
		case base == "gh" && argv[1] == "copilot":
			return agentNamed("copilot")
		case base == "cursor" && argv[1] == "agent":
			return agentNamed("cursor-agent")
		}
	}
	a := agentNamed(base)
	if a == nil || len(argv) > 1 && slices.Contains(a.not, argv[1]) {
		return nil
	}
	return a
}

// wrapped judges what a wrapper starts.
func (j *judge) wrapped(in command.Inner, argv []string, dir string, depth int) *agent {
	if in.Dir != "" {
		dir = absolute(dir, in.Dir)
	}
	for _, text := range in.Texts {
		if a := j.line(text, in.Rest, dir, depth+1); a != nil {
			return a
		}
	}
	if in.Module != "" {
		return agentModule(in.Module)
	}
	if in.Kind == command.Fixed {
		return j.task(in.Task, dir, depth+1)
	}
	if len(in.Rest) == 0 {
		return nil
	}
	return j.operand(in, dir, depth+1)
}

func (j *judge) operand(in command.Inner, dir string, depth int) *agent {
	first := in.Rest[0]
	switch in.Kind {
	case command.Package:
		a := agentPackage(first)
		if named := cmp.Or(a, agentNamed(first)); named != nil && j.installed(named, dir) {
			return nil
		}
		if a != nil {
			return a
		}
	case command.File:
		return j.file(absolute(dir, first), in.Rest, dir, depth)
	case command.Shell:
		if len(in.Texts) > 0 {
			return nil // the words are $0 and so on
		}
		return j.file(absolute(dir, first), in.Rest, dir, depth)
	case command.Line:
		return j.line(strings.Join(in.Rest, " "), nil, dir, depth)
	case command.Task:
		if a := j.task(first, dir, depth); a != nil {
			return a
		}
		if strings.Contains(first, "/") || strings.Contains(first, ".") {
			return j.file(absolute(dir, first), in.Rest, dir, depth)
		}
		return direct(in.Rest)
	}
	return j.judge(in.Rest, dir, depth)
}

func absolute(dir, p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(dir, p)
}

// found judges the program file that the shell would find.
func (j *judge) found(argv []string, dir string, depth int) *agent {
	f := &finder{env: j.env, dir: dir, path: searched(j.env)}
	p, err := f.lookup(argv[0])
	if err != nil {
		return nil
	}
	return j.file(p, argv, dir, depth+1)
}

// file judges a program or script by the place of the real file, and a text by
// what it starts.
func (j *judge) file(p string, argv []string, dir string, depth int) *agent {
	if j.foreign(p) {
		return nil
	}
	if a := agentPath(p); a != nil {
		return a
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return nil
	}
	if a := agentPath(real); a != nil {
		return a
	}
	if a := agentNamed(real); a != nil && direct(append([]string{real}, argv[1:]...)) != nil {
		return a
	}
	if j.files >= maxFiles {
		return nil
	}
	text, err := readHead(real, maxText)
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	j.files++
	defer func() { j.files-- }()
	return j.script(string(text), argv, dir, depth+1)
}

// script judges the text of a program: shell commands, or the module that a
// Python program imports first.
func (j *judge) script(text string, argv []string, dir string, depth int) *agent {
	name := ""
	if words := command.Shebang(text); len(words) > 0 {
		name = command.Interpreter(path.Base(words[0]))
	}
	switch name {
	case "python", "pypy":
		return imported(text)
	case "sh", "bash", "zsh", "dash", "ash", "ksh", "mksh", "fish":
		return j.line(text, argv, dir, depth)
	case "":
		if strings.HasSuffix(argv[0], ".sh") { // sh FILE and execvp(3) take it for a script
			return j.line(text, argv, dir, depth)
		}
	}
	return nil
}

// imported is the agent whose module a console script imports.
func imported(text string) *agent {
	for l := range strings.Lines(text) {
		f := strings.Fields(l)
		if len(f) > 1 && (f[0] == "from" || f[0] == "import") {
			if a := agentModule(f[1]); a != nil {
				return a
			}
		}
	}
	return nil
}

// line judges every simple command of a shell command line; params are $0, $1 …
func (j *judge) line(text string, params []string, dir string, depth int) *agent {
	if depth > maxDepth || j.left < 0 {
		return nil
	}
	for _, argv := range command.Simple(text, params) {
		if len(argv) == 2 && argv[0] == "cd" {
			dir = absolute(dir, argv[1])
			continue
		}
		if a := j.judge(argv, dir, depth+1); a != nil {
			return a
		}
	}
	return nil
}
