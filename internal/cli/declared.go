package cli

import (
	"path"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// exampleFile is the committed list of names.
const exampleFile = ".env.example"

// declared are the names that the folder of p needs: those of its directory's
// .env.example that bailey.yaml knows, else all that bailey.yaml lists.
func declared(p place) []string {
	var all, here []string
	for _, n := range p.Manifest.Names() {
		all = append(all, string(n))
	}
	for _, n := range exampleNames(p) {
		if _, ok := p.Manifest.Secrets[secret.Name(n)]; ok {
			here = append(here, n)
		}
	}
	if len(here) == 0 {
		return all
	}
	return here
}

func exampleNames(p place) []string {
	root, err := safefs.Open(p.Root)
	if err != nil {
		return nil
	}
	defer root.Close()
	b, err := root.ReadFile(path.Join(directoryOf(p), exampleFile), 1<<20)
	if err != nil {
		return nil
	}
	f, err := dotenv.Parse(b)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range f.Entries {
		names = append(names, e.Name)
	}
	return names
}

// directoryOf is the directory that p's folder stands for.
func directoryOf(p place) string {
	for dir, folder := range p.Manifest.Paths {
		if folder == p.Folder {
			return filepath.ToSlash(dir)
		}
	}
	return "."
}
