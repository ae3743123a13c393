// Package survey looks at a project: which files hold plain values, to which
// environment and folder each belongs, and what is known of a name.
//
// It changes nothing and knows no vault. Its invariants: a file that git or a
// person shares as a sample is never taken for secrets, and what is in doubt
// is not public.
package survey

import (
	"io/fs"
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// MaxFile bounds a dotenv file, in bytes.
const MaxFile = 1 << 20

// File is a dotenv file of the project.
type File struct {
	Path        string // relative to the root, with slashes
	Environment string
	Folder      string
	Rank        int // of the files of one folder and environment, the highest wins a name
	Mode        fs.FileMode
	Tracked     bool // git tracks it: removing it concerns others
	Committed   bool // and a commit has it: its values are in the history

	Names  []string                // in file order, each once
	Values map[string]secret.Value // of the last assignment of each name
	Doubts []string                // names that another reader may read otherwise
	// Expanded are names whose escapes and references plain Node dotenv leaves
	// as they stand.
	Expanded []string
	Raw      secret.Value // the file, to the byte
}

// Dir is the file's directory, "." for the root.
func (f *File) Dir() string { return path.Dir(f.Path) }

// Left is a file that init leaves alone, and why a person should know of it.
type Left struct{ Path, Why string }

// Survey is what a look at a project found. Nothing was changed by it.
type Survey struct {
	Root  string
	Files []File // by folder, environment, rank
	Left  []Left
	// Compose is the compose file, and whether it insists on a .env file.
	Compose      string
	ComposeNeeds bool
	Packages     []string // package managers in use
	TestCommand  []string // the project's own test or start command
	Partial      bool     // the tree was too large to be seen whole
}

// Values counts the distinct values of all files.
func (s *Survey) Values() int {
	n := 0
	for _, names := range s.Effective() {
		n += len(names)
	}
	return n
}

// Slot is a folder of an environment.
type Slot struct{ Folder, Environment string }

// Effective is what each Slot holds once higher ranks have won.
func (s *Survey) Effective() map[Slot]map[string]secret.Value {
	out := map[Slot]map[string]secret.Value{}
	for i := range s.Files {
		f := &s.Files[i]
		k := Slot{f.Folder, f.Environment}
		if out[k] == nil {
			out[k] = map[string]secret.Value{}
		}
		for name, v := range f.Values {
			out[k][name] = v
		}
	}
	return out
}

// load reads and parses a dotenv file.
func load(root *safefs.Root, f *File) error {
	info, err := root.Lstat(f.Path)
	if err != nil {
		return err
	}
	b, err := root.ReadFile(f.Path, MaxFile)
	if err != nil {
		return err
	}
	parsed, err := dotenv.Parse(b)
	if err != nil {
		return err
	}
	f.Mode, f.Raw, f.Values = info.Mode().Perm(), secret.NewValue(b), map[string]secret.Value{}
	for _, e := range parsed.Entries {
		if _, again := f.Values[e.Name]; !again {
			f.Names = append(f.Names, e.Name)
		}
		f.Values[e.Name] = secret.NewValue(e.Value)
		if e.Expanded && !slices.Contains(f.Expanded, e.Name) {
			f.Expanded = append(f.Expanded, e.Name)
		}
		if e.Doubt != "" {
			f.Doubts = append(f.Doubts, e.Name+": "+e.Doubt)
		}
	}
	return nil
}
