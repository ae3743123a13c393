package command

import (
	"path"
	"slices"
	"strings"
)

// Kind says what the operand of a wrapper is.
type Kind uint8

// The kinds.
const (
	Program Kind = iota // a command and its arguments
	Package             // a package, or else a command
	File                // a file to interpret
	Shell               // a file of shell commands; after Texts, $0 and so on
	Line                // words of a shell command line
	Task                // a script of package.json, or else a command
	Fixed               // Task names such a script
)

// wrapper is a program that starts another.
type wrapper struct {
	call  string // name and sub-commands
	kind  Kind
	skip  int    // operands before the command
	value string // options that take a value
	text  string // options whose value is a shell command line
	cd    string // options whose value is the directory to work in
	stop  string // options with which it starts nothing
	dash  bool   // the command stands after --, where there is one
}

// Inner is what a wrapper starts.
type Inner struct {
	Kind   Kind
	Rest   []string // the operand and what follows
	Texts  []string // shell command lines
	Module string   // of Python
	Dir    string   // to work in, "" for the same
	Task   string   // of Fixed
}

// Unwrap takes one wrapper off a command; false where it is none, or one that
// starts nothing.
func Unwrap(argv []string) (Inner, bool) {
	var best Inner
	words, name := 0, Interpreter(path.Base(argv[0]))
	for i := range wrappers {
		call := strings.Fields(wrappers[i].call)
		if call[0] != name || len(call) <= words {
			continue
		}
		if in, ok := wrappers[i].take(call[1:], argv[1:]); ok {
			best, words = in, len(call)
			best.Task = call[words-1]
		}
	}
	return best, words > 0
}

// Interpreter drops the version from python3.12, bash5 and their like.
func Interpreter(name string) string {
	short := strings.TrimRight(strings.TrimSuffix(name, ".exe"), "0123456789.")
	if slices.Contains([]string{"python", "pypy", "ruby", "bash", "ksh"}, short) {
		return short
	}
	return strings.TrimSuffix(name, ".exe")
}

// take reads the options and operands before the command.
func (w *wrapper) take(subs, args []string) (Inner, bool) {
	in, skip, options := Inner{Kind: w.kind}, w.skip, true
	if i := slices.Index(args, "--"); w.dash && i >= 0 {
		in.Rest = args[i+1:]
		return in, len(subs) == 0 || slices.Contains(args[:i], subs[0])
	}
	for len(args) > 0 {
		a := args[0]
		switch {
		case options && a == "--":
			options, args = false, args[1:]
		case options && len(a) > 1 && (a[0] == '-' || a[0] == '+'):
			n, ok := w.option(args, &in)
			if !ok {
				return in, false
			}
			if args = args[n:]; in.Module != "" {
				return in, len(subs) == 0
			}
		case w.kind == Program && Assignment(a):
			args = args[1:]
		case len(subs) > 0:
			if a != subs[0] {
				return in, false
			}
			subs, args = subs[1:], args[1:]
		case skip > 0:
			skip, args = skip-1, args[1:]
		default:
			in.Rest = args
			return in, true
		}
	}
	return in, len(subs) == 0
}

// option reads one option and says how many words it was; false for one with
// which the wrapper starts nothing.
func (w *wrapper) option(args []string, in *Inner) (int, bool) {
	name, value, joined := strings.Cut(args[0], "=")
	if has(w.stop, name) {
		return 0, false
	}
	if w.call == "env" {
		if n := split(args, in); n > 0 {
			return n, true
		}
	}
	short := name[0] == '-' && !strings.HasPrefix(name, "--") && len(name) > 2
	text := has(w.text, name) || short && has(w.text, "-"+name[len(name)-1:]) || short && w.kind == Shell && strings.Contains(name, "c")
	module := w.call == "python" && name[len(name)-1] == 'm' && !strings.HasPrefix(name, "--")
	valued := has(w.value, name) || short && w.kind == Shell && has(w.value, "-"+name[len(name)-1:])
	if !text && !module && !valued && !has(w.cd, name) {
		return 1, true
	}
	used := 1
	if !joined && len(args) > 1 {
		value, used = args[1], 2
	}
	switch {
	case text:
		in.Texts = append(in.Texts, value)
	case module:
		in.Module = value
	case has(w.cd, name):
		in.Dir = value
	}
	return used, true
}

// split is env -S: the words of its value are read as if they stood there.
func split(args []string, in *Inner) int {
	value, ok := strings.CutPrefix(args[0], "--split-string=")
	used := 1
	if args[0] == "-S" || args[0] == "--split-string" {
		if len(args) < 2 {
			return 0
		}
		value, used = args[1], 2
	} else if !ok {
		if value, ok = strings.CutPrefix(args[0], "-S"); !ok {
			return 0
		}
	}
	in.Texts = append(in.Texts, "env "+value+" "+strings.Join(args[used:], " "))
	return len(args)
}

func has(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// Shebang gives the interpreter that the first line of text names and its
// arguments, env taken off; nil where there is none. Words are split as env -S
// does; the kernel itself would hand over one argument.
func Shebang(text string) []string {
	line, ok := strings.CutPrefix(text, "#!")
	if !ok {
		return nil
	}
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) == 0 || path.Base(words[0]) != "env" {
		return words
	}
	for i, w := range words {
		words[i] = strings.TrimPrefix(strings.TrimPrefix(w, "--split-string="), "-S")
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" || w == "-v" || w == "-vS" })
	in, _ := Unwrap(words)
	return in.Rest
}

// Assignment reports whether a word is NAME=value.
func Assignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && isName(name)
}

func isName(s string) bool {
	for i := range len(s) {
		if !nameByte(s[i], i) {
			return false
		}
	}
	return s != ""
}

// nameByte reports whether a name can have c as its i-th byte.
func nameByte(c byte, i int) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9'
}
