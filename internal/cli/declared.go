package cli

import (
	"path"
	"path/filepath"
	"slices"

	"github.com/bailey-project/bailey/internal/adoption"
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
	var names []string
	for _, e := range example(p) {
		names = append(names, e.Name)
	}
	return names
}

// pending are the names that .env.example asks for and bailey.yaml does not
// know: somebody, often an agent, needs a value for them. What stands there
// with a value that is no secret is a default, not a question.
func pending(p place) []string {
	names := []string{}
	for _, e := range example(p) {
		name, err := secret.ParseName(e.Name)
		if err != nil || slices.Contains(names, e.Name) || len(names) == maxPending {
			continue
		}
		_, listed := p.Manifest.Secrets[name]
		_, public := p.Manifest.Public[e.Name]
		if !listed && !public && (len(e.Value) == 0 || !adoption.Public(e.Name, secret.NewValue(e.Value))) {
			names = append(names, e.Name)
		}
	}
	return names
}

// maxPending is more than a person wants to be asked for.
const maxPending = 20

// example are the assignments of the .env.example of p's directory.
func example(p place) []dotenv.Entry {
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
	return f.Entries
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
