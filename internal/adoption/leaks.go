package adoption

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// Limits of the search for what has leaked already: it is a first warning, no
// investigation.
const (
	leakBytes = 512 << 20
	leakFile  = 64 << 20
	leakFiles = 20_000
	leakTime  = 3 * time.Second
	leakLeast = 12 // a shorter value stands in too many files by chance
)

// transcripts are where agents and shells keep what they have seen, below the
// user's home.
var transcripts = []string{
	".claude", ".codex", ".gemini", ".config/opencode", ".local/share/opencode", ".aider.chat.history.md",
	".bash_history", ".zsh_history", ".local/share/fish/fish_history", ".python_history", ".node_repl_history", ".psql_history",
}

// Leak is a secret found in plain text outside the project.
type Leak struct {
	Name   string
	Places []string // relative to the home, such as ".claude" or ".bash_history"
}

// Leaks looks for the survey's values in agents' transcripts and shell
// histories below home, newest files first. complete is false when a limit
// ended it. Values never leave this function.
func (p *Plan) Leaks(ctx context.Context, home string) (found []Leak, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, leakTime)
	defer cancel()
	l := &leakSearch{ctx: ctx, needles: p.needles(), seen: map[string][]string{}, budget: leakBytes}
	if len(l.needles) == 0 {
		return nil, true
	}
	complete = true
	for _, place := range transcripts {
		complete = l.place(filepath.Join(home, place), place) && complete
	}
	for name, places := range l.seen {
		found = append(found, Leak{Name: name, Places: places})
	}
	slices.SortFunc(found, func(a, b Leak) int { return cmp.Compare(a.Name, b.Name) })
	return found, complete
}

// needles are the longest lines of the values: a transcript escapes line ends.
func (p *Plan) needles() map[string][]byte {
	out := map[string][]byte{}
	for _, names := range p.Survey.Effective() {
		for name, v := range names {
			if n := longestLine(v); len(n) >= leakLeast && !p.public[name] {
				out[name] = n
			}
		}
	}
	return out
}

func longestLine(v secret.Value) []byte {
	var longest []byte
	for line := range bytes.SplitSeq(v.Reveal(), []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > len(longest) && !bytes.HasPrefix(line, []byte("-----")) {
			longest = line
		}
	}
	return longest
}

type leakSearch struct {
	ctx     context.Context
	needles map[string][]byte
	seen    map[string][]string
	budget  int64
}

// place searches one file or tree; false when something was left out.
func (l *leakSearch) place(path, label string) bool {
	type candidate struct {
		path string
		info fs.FileInfo
	}
	var files []candidate
	complete := true
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case len(files) >= leakFiles || l.ctx.Err() != nil:
			complete = false
			return fs.SkipAll
		case !d.Type().IsRegular():
			return nil
		}
		if info, err := d.Info(); err == nil {
			files = append(files, candidate{p, info})
		}
		return nil
	})
	slices.SortFunc(files, func(a, b candidate) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	for _, f := range files {
		if l.ctx.Err() != nil || l.budget <= 0 {
			return false
		}
		complete = l.file(f.path, label) && complete
	}
	return complete
}

func (l *leakSearch) file(path, label string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, min(leakFile, l.budget)))
	if err != nil {
		return true
	}
	l.budget -= int64(len(b))
	for name, n := range l.needles {
		if !slices.Contains(l.seen[name], label) && bytes.Contains(b, n) {
			l.seen[name] = append(l.seen[name], label)
		}
	}
	return len(b) < leakFile
}
