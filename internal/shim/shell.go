package shim

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Line is what puts dir first in PATH in a shell, and the file that the shell
// reads at its start; ok is false for a shell that is not known, or a path that
// would need quoting.
func Line(shell, userHome, dir string) (file, line string, ok bool) {
	if strings.Trim(dir, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@") != "" {
		return "", "", false
	}
	line = `export PATH="` + dir + `:$PATH" # ` + mark
	switch filepath.Base(shell) {
	case "bash":
		return filepath.Join(userHome, ".bashrc"), line, true
	case "zsh":
		return filepath.Join(userHome, ".zshrc"), line, true
	case "sh", "dash", "ksh", "ash":
		return filepath.Join(userHome, ".profile"), line, true
	case "fish":
		return filepath.Join(userHome, ".config/fish/conf.d/bailey.fish"), "fish_add_path --global --prepend --move " + dir + " # " + mark, true
	}
	return "", line, false
}

// AddLine plans the line at the end of the file, where it wins over what
// version managers put into PATH before; none when it is there.
func AddLine(file, line string) ([]Step, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if slices.Contains(strings.Split(string(text), "\n"), line) {
		return nil, nil
	}
	return []Step{{What: "add line", Path: file, Text: line, do: func() error { return appendLine(file, line) }}}, nil
}

func appendLine(file, line string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old) > 0 && !strings.HasSuffix(string(old), "\n") {
		line = "\n" + line
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// RemoveLines plans the removal of every line with the mark from the files that
// shells read.
func RemoveLines(userHome string) []Step {
	var steps []Step
	for _, shell := range []string{"bash", "zsh", "sh", "fish"} {
		file, _, _ := Line(shell, userHome, "/")
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), " # "+mark+"\n") {
			continue
		}
		steps = append(steps, Step{What: "remove line", Path: file, do: func() error { return removeLines(file) }})
	}
	return steps
}

// removeLines writes the file in place: its mode, owner and, where it is one,
// link stay. One that had nothing else goes.
func removeLines(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return strings.HasSuffix(l, " # "+mark+"\n") })
	rest := strings.Join(kept, "")
	if rest == "" {
		return os.Remove(file)
	}
	return os.WriteFile(file, []byte(rest), 0o644)
}
