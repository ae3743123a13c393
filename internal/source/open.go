package source

import (
	"net/http"
	"strings"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source/sops"
)

// World is what places may use of this machine. Only Lookup must be set.
type World struct {
	// Root is the project: relative files begin there, and no command may lie
	// below it, because an agent could change it. "" is no project.
	Root string
	// Names are what environment: gives of all that is set.
	Names []secret.Name
	// Lookup reads an environment variable.
	Lookup func(string) (string, bool)
	// Home is the user's home directory, for ~/ and for tokens that other
	// programs keep there.
	Home string
	// Identities finds the private keys for files of age and sops.
	Identities func() ([]age.Identity, error)
	// Recipients are whom a file of age is written for.
	Recipients []age.Recipient
	// Keep decides over the keys of an existing file of sops.
	Keep func(file string, groups [][]string) sops.Keeper
	// Own is the client of Bailey's own vault, and Project the one of it.
	Own     *api.Client
	Project string
	// Recall and Remember keep what was learnt of a server for next time. Both
	// may be nil.
	Recall   func(host string) string
	Remember func(host, learnt string)

	transport http.RoundTripper // for tests; nil is the machine's own
}

// Open makes the Source of an address. Nothing is read or connected yet.
func (w World) Open(a Address) (Source, error) {
	switch a.Kind {
	case Environment:
		return environment{w}, nil
	case Command:
		return command{w, strings.Fields(a.Parts[0])}, nil
	case Dotenv:
		return file{w, a, dotenvCodec{}}, nil
	case Age:
		return file{w, a, ageCodec{w, a.Parts[0]}}, nil
	case Sops:
		return file{w, a, sopsCodec{w, a.Parts[0]}}, nil
	case Vault:
		return &kv{w, a}, nil
	case Infisical:
		return &infisical{World: w, at: a}, nil
	case OnePassword:
		return item{w, a}, nil
	case Bailey:
		return own{w, a}, nil
	}
	return nil, api.Errorf(api.Invalid, "%s is no kind of place", a.Kind)
}

// first is the first of the variables that is set and not empty.
func (w World) first(names ...string) string {
	for _, n := range names {
		if v, ok := w.Lookup(n); ok && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
