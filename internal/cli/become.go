package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

// Exit statuses of a command that could not be started, as of env(1).
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

// environ lays vars under the caller's environment: what is set there wins,
// and a person is told when that hides a secret.
func environ(caller []string, vars []variable) ([]string, error) {
	set := make(map[string]string, len(caller))
	for _, e := range caller {
		name, value, _ := strings.Cut(e, "=")
		set[name] = value
	}
	env := slices.Clone(caller)
	var shadowed []string
	for _, v := range vars {
		value := string(v.value.Reveal())
		if strings.IndexByte(value, 0) >= 0 {
			return nil, api.Errorf(api.Invalid, "%s has a NUL byte, which no environment can carry", v.name)
		}
		if have, ok := set[v.name]; ok {
			if v.source == "vault" && have != value {
				shadowed = append(shadowed, v.name)
			}
			continue
		}
		env = append(env, v.name+"="+value)
	}
	if t := term.Std(); len(shadowed) > 0 && t.ErrIsTerminal() {
		t.Notef("set in your environment and used instead of the vault: %s", strings.Join(shadowed, ", "))
	}
	return env, nil
}

// become replaces this process by the command.
func become(args, env []string) error {
	path, err := program(args)
	if err != nil {
		return err
	}
	release()
	return notStarted(args, syscall.Exec(path, args, env))
}

// program finds the command in PATH.
func program(args []string) (string, error) {
	path, err := exec.LookPath(args[0])
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", &exitError{exitNotFound, fmt.Sprintf("run: %s: command not found", args[0])}
	case errors.Is(err, exec.ErrDot):
		return "", &exitError{exitNotFound, fmt.Sprintf("run: %s: found only in the current directory; write ./%s", args[0], args[0])}
	case err != nil:
		return "", &exitError{exitNotExecutable, fmt.Sprintf("run: %s: %s", args[0], cause(err))}
	}
	return path, nil
}

func notStarted(args []string, err error) error {
	if errors.Is(err, syscall.E2BIG) {
		return &exitError{exitNotExecutable, fmt.Sprintf("run: %s: the environment with the secrets is larger than the system allows", args[0])}
	}
	return &exitError{exitNotExecutable, fmt.Sprintf("run: %s: %s", args[0], err)}
}

func cause(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quote(a)
	}
	return strings.Join(quoted, " ")
}

// quote writes a word as a shell reads it.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
