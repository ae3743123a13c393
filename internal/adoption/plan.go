package adoption

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// Plan is what init is about to do. Making one changes nothing.
type Plan struct {
	Survey  *survey.Survey
	Project string
	Keep    bool // leave the files in place
	Tracked bool // remove also files that git tracks

	Add    *manifest.Manifest // what bailey.yaml gets
	Writes []Write            // files to write, complete with content
	public map[string]bool
}

// Write is a file of the project that init writes; no content has a value
// that is not public.
type Write struct {
	Path    string
	Content []byte
	Lines   []string // what is new in it
	Created bool     // it was not there before
	before  []byte
}

// NewPlan decides what becomes of a survey. m is the bailey.yaml that is
// there, or nil.
func NewPlan(root *safefs.Root, s *survey.Survey, m *manifest.Manifest, project string) (*Plan, error) {
	p := &Plan{Survey: s, Project: project}
	p.public = publicNamesOf(s, m)
	p.Add = p.manifest(m)
	for _, add := range []func(*safefs.Root) error{p.writeManifest, p.writeExamples, p.writeIgnore} {
		if err := add(root); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// publicNamesOf are the names to move into bailey.yaml. That file knows one
// value per name, so a name that differs between environments or folders
// stays in the vault, and so does one that bailey.yaml lists as a secret.
func publicNamesOf(s *survey.Survey, m *manifest.Manifest) map[string]bool {
	values := map[string]secret.Value{}
	public := map[string]bool{}
	for k, names := range s.Effective() {
		for name, v := range names {
			first, seen := values[name]
			if !seen {
				values[name], public[name] = v, survey.Public(name, v)
			}
			if seen && !first.Equal(v) || k.Folder != "/" || k.Environment != survey.Development {
				public[name] = false
			}
		}
	}
	for name := range public {
		if m == nil {
			continue
		}
		_, listed := m.Secrets[secret.Name(name)]
		if was, ok := m.Public[name]; listed || ok && was != string(values[name].Reveal()) {
			public[name] = false
		}
	}
	return public
}

func (p *Plan) manifest(m *manifest.Manifest) *manifest.Manifest {
	add := &manifest.Manifest{
		Project: p.Project, Paths: map[string]string{}, Public: map[string]string{},
		Secrets: map[secret.Name]manifest.Secret{},
	}
	if m == nil {
		add.Agent.Packages = p.Survey.Packages
	}
	for i := range p.Survey.Files {
		f := &p.Survey.Files[i]
		if f.Folder != "/" {
			add.Paths[f.Dir()] = f.Folder
		}
		for name, v := range f.Values {
			if p.public[name] {
				add.Public[name] = string(v.Reveal())
			} else if m == nil || m.Public[name] == "" {
				add.Secrets[secret.Name(name)] = survey.Entry(name, v)
			}
		}
	}
	return add
}

// writeManifest plans bailey.yaml; of several files the value that wins counts.
func (p *Plan) writeManifest(root *safefs.Root) error {
	for k, names := range p.Survey.Effective() {
		for name, v := range names {
			if p.public[name] && k.Environment == survey.Development {
				p.Add.Public[name] = string(v.Reveal())
			}
		}
	}
	before, err := readOptional(root, manifest.Name)
	if err != nil {
		return err
	}
	after, err := manifest.Merge(before, p.Add)
	if err != nil {
		return err
	}
	p.write(manifest.Name, before, after)
	return nil
}

// writeExamples proposes a list of names beside each file, unless there is
// one under any of the usual names.
func (p *Plan) writeExamples(root *safefs.Root) error {
	for _, dir := range survey.Directories(p.Survey.Files) {
		if hasSample(root, dir) {
			continue
		}
		var names []string
		for i := range p.Survey.Files {
			f := &p.Survey.Files[i]
			for _, n := range f.Names {
				if f.Dir() == dir && !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
		if len(names) == 0 {
			continue
		}
		content := "# Names that this project needs; the values are in the vault (bailey run -- COMMAND).\n"
		for _, n := range names {
			content += n + "=\n"
		}
		p.write(path.Join(dir, ".env.example"), nil, []byte(content))
	}
	return nil
}

func hasSample(root *safefs.Root, dir string) bool {
	for _, s := range survey.Samples() {
		if _, err := root.Lstat(path.Join(dir, ".env."+s)); err == nil {
			return true
		}
	}
	return false
}

// The lines that keep .env files out of git.
const (
	ignoreFile    = ".gitignore"
	ignoreComment = "# secrets are in the vault: bailey init"
)

// ignoreLines leave .envrc and samples to git; copies that editors and people
// make of a .env are ignored with it.
func ignoreLines(root *safefs.Root, have []string) []string {
	lines := []string{".env", ".env[-._~]*"}
	if slices.Contains(have, ".env*") {
		lines = nil
	}
	for i, s := range survey.Samples() {
		if _, err := root.Lstat(".env." + s); err == nil || i < 3 {
			lines = append(lines, "!.env*."+s)
		}
	}
	return lines
}

func (p *Plan) writeIgnore(root *safefs.Root) error {
	before, err := readOptional(root, ignoreFile)
	if err != nil {
		return err
	}
	have := strings.Split(strings.ReplaceAll(string(before), "\r\n", "\n"), "\n")
	var missing []string
	for _, line := range ignoreLines(root, have) {
		if !slices.Contains(have, line) {
			missing = append(missing, line)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	after := string(before)
	if after != "" && !strings.HasSuffix(after, "\n") {
		after += "\n"
	}
	after += ignoreComment + "\n" + strings.Join(missing, "\n") + "\n"
	p.write(ignoreFile, before, []byte(after))
	return nil
}

// write plans a file unless it is as it should be.
func (p *Plan) write(name string, before, after []byte) {
	if string(before) == string(after) {
		return
	}
	had := map[string]bool{}
	for line := range strings.Lines(string(before)) {
		had[strings.TrimSpace(line)] = true
	}
	w := Write{Path: name, Content: after, Created: before == nil, before: before}
	for line := range strings.Lines(string(after)) {
		if trimmed := strings.TrimRight(line, "\r\n"); trimmed != "" && !had[strings.TrimSpace(line)] {
			w.Lines = append(w.Lines, trimmed)
		}
	}
	p.Writes = append(p.Writes, w)
}

// readOptional is nil for a file that is not there.
func readOptional(root *safefs.Root, name string) ([]byte, error) {
	b, err := root.ReadFile(name, survey.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

// Removes are the files that will be removed, and Keeps those that stay.
func (p *Plan) Removes() (remove, keep []string) {
	for i := range p.Survey.Files {
		f := &p.Survey.Files[i]
		if p.Keep || f.Tracked && !p.Tracked {
			keep = append(keep, f.Path)
		} else {
			remove = append(remove, f.Path)
		}
	}
	return remove, keep
}

// Nothing is true when init has nothing to do.
func (p *Plan) Nothing() bool { return len(p.Survey.Files) == 0 && len(p.Writes) == 0 }

// merged is what is to be sealed for a path that has a sealed original
// already: its bytes with the new values, and the names it lacks behind.
func merged(original, now []byte) ([]byte, error) {
	fresh, err := dotenv.Parse(now)
	if err != nil {
		return nil, err
	}
	old, err := dotenv.Parse(original)
	if err != nil {
		return now, nil // a file of another kind: the new one counts
	}
	out := replaceAll(original, fresh.Get)
	var added []dotenv.Entry
	for _, e := range fresh.Entries {
		if _, ok := old.Get(e.Name); !ok {
			v, _ := fresh.Get(e.Name)
			added = append(added, dotenv.Entry{Name: e.Name, Value: v})
		}
	}
	return appendEntries(out, added), nil
}

// replaceAll gives every name in b the value that want knows. A value that
// refers to a replaced one changes with it, hence the second look.
func replaceAll(b []byte, want func(name string) ([]byte, bool)) []byte {
	for range 3 {
		f, err := dotenv.Parse(b)
		if err != nil {
			return b
		}
		after := f.Replace(func(name string, value []byte) (string, bool) {
			v, ok := want(name)
			return string(v), ok && !bytes.Equal(v, value)
		})
		if bytes.Equal(after, b) {
			return b
		}
		b = after
	}
	return b
}

func appendEntries(b []byte, added []dotenv.Entry) []byte {
	if len(added) == 0 {
		return b
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	return append(b, dotenv.Format(added)...)
}
