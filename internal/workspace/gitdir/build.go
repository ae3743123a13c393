package gitdir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
)

// Start is what the host's repository was when a private directory was made
// of it. Bringing commits home compares with it.
type Start struct {
	Head     Head
	Refs     map[string]string
	Stash    []string          // objects of the stash's log, oldest first
	Index    string            // digest of the index, "" if there was none
	Private  string            // digest of the private index as it was made
	States   map[string]string // operations in progress: file → digest
	Settings []gitconfig.Setting
}

// Plan says what to build.
type Plan struct {
	Dir     string          // to be made; must not exist
	Objects []string        // directories of objects as the inside sees them
	Masked  map[string]bool // files, relative to the root, that show other bytes inside
	Index   *Index          // as ReadIndex gave it, nil if there is none
}

// ReadIndex reads the repository's index; nil when there is none.
func (p *Repo) ReadIndex() (*Index, error) {
	g, err := safefs.Open(p.GitDir)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	info, serr := g.Lstat("index") // before it is read: an older time proves more
	b, err := g.ReadFile("index", 1<<30)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x, err := NewIndex(b, p.Hex)
	if err == nil && serr == nil {
		x.Written = info.ModTime().UnixNano()
	}
	return x, err
}

// Build makes the private git directory.
func (p *Repo) Build(ctx context.Context, plan Plan) (Start, error) {
	c, err := safefs.Open(p.CommonDir)
	if err != nil {
		return Start{}, err
	}
	defer c.Close()
	g, err := safefs.Open(p.GitDir)
	if err != nil {
		return Start{}, err
	}
	defer g.Close()
	b := builder{repo: p, plan: plan, common: c, own: g}
	if err := b.run(ctx); err != nil {
		return Start{}, err
	}
	return b.start, nil
}

type builder struct {
	repo        *Repo
	plan        Plan
	common, own *safefs.Root
	start       Start
}

func (b *builder) run(ctx context.Context) error {
	// What git makes when it needs it is left out: each costs the start.
	for _, dir := range []string{"", "objects", "objects/info", "refs", "info", "hooks", "logs"} {
		if err := os.Mkdir(filepath.Join(b.plan.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	steps := []func(context.Context) error{b.refs, b.index, b.config, b.states, b.logs, b.rest}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(b.plan.Dir, name), data, 0o644)
}

func (b *builder) refs(ctx context.Context) error {
	head, err := ReadHead(b.own, b.repo.Hex)
	if err != nil {
		return err
	}
	refs, _, err := ReadRefs(ctx, b.common, b.repo.Hex)
	if err != nil {
		return err
	}
	for name := range refs.Direct {
		if strings.HasPrefix(name, "refs/bailey/") { // of earlier sessions
			delete(refs.Direct, name)
		}
	}
	b.start.Head, b.start.Refs = head, refs.Direct
	text := "ref: " + head.Branch + "\n"
	if head.Branch == "" {
		text = head.Object + "\n"
	}
	if err := b.write("HEAD", []byte(text)); err != nil {
		return err
	}
	for name, target := range refs.Symbolic {
		if err := b.symbolic(name, target); err != nil {
			return err
		}
	}
	return b.write("packed-refs", formatPacked(refs))
}

func (b *builder) symbolic(name, target string) error {
	if !ValidRef(name) || !ValidRef(target) || strings.HasPrefix(name, "refs/bailey/") {
		return nil
	}
	file := filepath.Join(b.plan.Dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte("ref: "+target+"\n"), 0o644)
}

func (b *builder) index(context.Context) error {
	if b.plan.Index == nil {
		return nil
	}
	b.start.Index = digest(b.plan.Index.Bytes())
	data, err := b.plan.Index.AssumeUnchanged(b.plan.Masked)
	if err != nil {
		return err
	}
	b.start.Private = digest(data)
	if err := b.write("index", data); err != nil {
		return err
	}
	if !bytes.Contains(data[max(0, len(data)-4096):], []byte("link")) {
		return nil
	}
	list, err := b.own.ReadDir(".", 4096) // perhaps a split index
	for _, e := range list {
		if strings.HasPrefix(e.Name, "sharedindex.") && err == nil {
			err = b.copy(b.own, e.Name, 1<<30)
		}
	}
	return err
}

func (b *builder) config(context.Context) error {
	for _, s := range gitconfig.Inside(b.repo.Settings) {
		if s.Kind() != "core.bare" {
			b.start.Settings = append(b.start.Settings, s)
		}
	}
	b.start.Settings = append(b.start.Settings, gitconfig.Setting{Section: "core", Key: "bare", Value: "false"})
	return b.write("config", gitconfig.Format(b.start.Settings))
}

// states copies operations in progress, so that the inside can go on with a
// merge or rebase that the user began.
func (b *builder) states(ctx context.Context) error {
	list, err := States(ctx, b.own)
	if err != nil {
		return err
	}
	b.start.States = map[string]string{}
	for name, data := range list {
		b.start.States[name] = digest(data)
		file := filepath.Join(b.plan.Dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// logs copies the past of HEAD, its branch and the stash.
func (b *builder) logs(context.Context) error {
	if err := b.log(b.own, "logs/HEAD"); err != nil {
		return err
	}
	if branch := b.start.Head.Branch; branch != "" {
		if err := b.log(b.common, "logs/"+branch); err != nil {
			return err
		}
	}
	return b.log(b.common, "logs/refs/stash")
}

// log copies one; a missing one, or one too large to be of use, is left out.
func (b *builder) log(r *safefs.Root, name string) error {
	data, err := r.ReadFile(name, 8<<20)
	if err != nil {
		return nil
	}
	if name == "logs/refs/stash" {
		b.start.Stash = stashObjects(data, b.repo.Hex)
	}
	file := filepath.Join(b.plan.Dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// rest copies what changes how files are seen, and borrows the objects.
func (b *builder) rest(context.Context) error {
	for _, name := range []string{"info/exclude", "info/attributes", "shallow"} {
		if err := b.copy(b.common, name, 4<<20); err != nil {
			return err
		}
	}
	for _, name := range []string{"info/sparse-checkout", "ORIG_HEAD"} {
		if err := b.copy(b.own, name, 4<<20); err != nil {
			return err
		}
	}
	return b.write("objects/info/alternates", []byte(strings.Join(b.plan.Objects, "\n")+"\n"))
}

// copy copies a regular file; one that is missing, or no file, is left out.
func (b *builder) copy(r *safefs.Root, name string, most int64) error {
	f, err := r.OpenFile(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	to, err := os.OpenFile(filepath.Join(b.plan.Dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(f, most))
	return errors.Join(err, to.Close())
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// stashObjects reads the new objects out of a log: "OLD NEW who time\tmessage".
func stashObjects(log []byte, hex int) []string {
	var list []string
	for line := range bytes.SplitSeq(log, []byte("\n")) {
		if len(line) > 2*hex+1 && line[hex] == ' ' {
			if o := string(line[hex+1 : 2*hex+1]); ValidObject(o, hex) {
				list = append(list, o)
			}
		}
	}
	return list
}

// StashEntry is one line of the stash's log.
type StashEntry struct {
	Object, Message string
}

// ReadStash reads the stash's log, oldest first. A missing one is empty.
func ReadStash(r *safefs.Root, hex int) ([]StashEntry, error) {
	b, err := r.ReadFile("logs/refs/stash", 16<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []StashEntry
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		_, message, _ := bytes.Cut(line, []byte("\t"))
		if o := stashObjects(line, hex); len(o) == 1 {
			list = append(list, StashEntry{o[0], Plain(string(message), 200)})
		}
	}
	if len(list) > 1000 {
		return nil, fmt.Errorf("stash has more than 1000 entries")
	}
	return list, nil
}

// Plain keeps what a terminal and a command line take as text.
func Plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !printable(string(r)) {
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
