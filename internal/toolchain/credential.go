package toolchain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// credentialFiles are hidden wherever they lie at the top of a root.
var credentialFiles = []string{
	".npmrc", ".netrc", "_netrc", ".pypirc", ".yarnrc", ".yarnrc.yml", "credentials", "credentials.toml", "credentials.json",
	"credentials.tfrc.json", "auth.json", ".credentials.json", ".git-credentials", ".gitconfig", ".dockercfg", ".pgpass",
	".my.cnf", ".vault-token", ".htpasswd", "id_rsa", "id_ed25519", "id_ecdsa", "tokens.json", "oauth_creds.json",
	"secrets.json", "secrets.yml", "secrets.yaml", "master.key", "service-account.json", ".ssh", ".gnupg", ".aws", ".docker", ".kube",
}

// deepFiles are hidden at these places of a root.
var deepFiles = []string{
	"etc/npmrc", "etc/.npmrc", "lib/etc/npmrc", "etc/pip.conf", "pip.conf", ".docker/config.json", "docker/config.json",
	"global/.npmrc", "config/master.key", "etc/gitconfig", "lib/node_modules/.npmrc",
}

const maxListed = 2000

// sensitive reports whether a name is that of a file of credentials.
func sensitive(name string) bool {
	if slices.Contains(credentialFiles, name) || name == ".envrc" || name == ".env" {
		return true
	}
	return strings.HasPrefix(name, ".env.") && !slices.Contains([]string{".env.example", ".env.sample", ".env.template"}, name)
}

// hidden are the files in a root that must not be seen, relative to it.
func hidden(root string) []string {
	st, err := os.Stat(root)
	if err != nil || !st.IsDir() {
		return nil
	}
	var list []string
	for _, name := range names(root) {
		if sensitive(name) {
			list = append(list, name)
		}
	}
	for _, rel := range deepFiles {
		if _, err := os.Stat(filepath.Join(root, rel)); err == nil {
			list = append(list, rel)
		}
	}
	slices.Sort(list)
	return list
}

func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	list, _ := d.Readdirnames(maxListed)
	return list
}

// lone reports whether a directory holds credentials beside the program: then
// only the program itself is bound.
func lone(dir string) bool { return slices.ContainsFunc(names(dir), sensitive) }
