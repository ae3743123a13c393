package session

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/toolchain"
	"github.com/bailey-project/bailey/internal/why"
)

const (
	runDir   = "/run/bailey"
	caFile   = runDir + "/ca.pem"
	caBundle = "/etc/ssl/certs/ca-certificates.crt"
	viewDir  = runDir + "/view"
	binDir   = runDir + "/bin"
)

// systemDirs are read-only and world-readable on every distribution. On merged
// systems most of them are links into /usr.
var systemDirs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// etcFiles are copied one by one; /etc is never bound.
var etcFiles = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/timezone", "/etc/mime.types",
	"/etc/services", "/etc/protocols", "/etc/os-release", "/etc/debian_version", "/etc/inputrc",
	"/etc/shells", "/etc/bash.bashrc", "/etc/profile", "/etc/ssl/openssl.cnf", "/etc/locale.conf",
}

// etcDirs hold no secrets and are too many files to copy.
var etcDirs = []string{"/etc/alternatives", "/etc/fonts", "/etc/terminfo", "/etc/ld.so.conf.d", "/etc/perl", "/etc/vim"}

// bundles are the other places where programs look for authorities.
var bundles = []string{"/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-bundle.crt"}

// spec puts together what the sandbox is made of.
func (s *Session) spec(tty [3]bool) sandbox.Spec {
	spec := sandbox.Spec{
		Base: sandbox.Base{Identity: s.identity(), Overlay: s.opts.Review, Listens: s.opts.AllPorts},
		Path: s.program.Path, Args: s.opts.Args, Dir: s.opts.Dir, Hostname: "bailey", TTY: tty, Limits: s.limits,
	}
	spec.Broker = s.opts.StrictNames
	spec.Env = s.environment(spec.Identity)
	s.system(&spec)
	s.etc(&spec)
	s.writable(&spec)
	s.roots(&spec)
	s.project(&spec)
	spec.Names = s.names()
	s.charted = sync.OnceValue(func() *why.Map { return s.chart(spec) })
	spec.Files = append(spec.Files, text(chartFile, "")) // see layChart
	return spec
}

// base is what every session's sandbox has.
func (s *Session) base() sandbox.Base {
	b := sandbox.Base{Identity: s.identity(), Copies: etcFiles, Broker: s.opts.StrictNames, Overlay: s.opts.Review, Listens: s.opts.AllPorts}
	for _, dir := range systemDirs {
		if to, err := os.Readlink(dir); err == nil {
			b.Links = append(b.Links, sandbox.Link{Target: dir, To: to})
		}
	}
	for _, path := range bundles {
		b.Links = append(b.Links, sandbox.Link{Target: path, To: caBundle})
	}
	b.Links = append(b.Links, sandbox.Link{Target: "/var/run", To: "/run"})
	if s.atVarTmp = within(s.opts.Dir, "/var/tmp"); !s.atVarTmp {
		b.Links = append(b.Links, sandbox.Link{Target: "/var/tmp", To: "/tmp"})
	}
	return b
}

// identity is the user's own, or a subordinate one for root.
func (s *Session) identity() sandbox.Identity {
	id := sandbox.Identity{UID: os.Getuid(), GID: os.Getgid(), Name: lookup(s.opts.Env, "USER"),
		Home: s.home, Shell: "/bin/sh"}
	if id.UID == 0 {
		id.UID = subordinate("/etc/subuid")
		id.GID = id.UID
	}
	if id.Name == "" || strings.ContainsAny(id.Name, ":\n/") {
		id.Name = "user"
	}
	if shell := lookup(s.opts.Env, "SHELL"); inSystem(shell) {
		id.Shell = shell
	}
	return id
}

// fallbackUID is used where nothing is set aside for root: above every range
// that useradd and systemd hand out (systemd.io, "Users, Groups, UIDs").
const fallbackUID = 0x70000000

// subordinate is the first uid that /etc/subuid sets aside for root.
func subordinate(file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return fallbackUID
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 3 && (f[0] == "root" || f[0] == "0") {
			if n, err := strconv.Atoi(f[1]); err == nil && n >= 100000 {
				return n
			}
		}
	}
	return fallbackUID
}

func inSystem(path string) bool {
	for _, dir := range systemDirs {
		if strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

func (s *Session) system(spec *sandbox.Spec) {
	for _, dir := range systemDirs {
		if st, err := os.Lstat(dir); err == nil && st.IsDir() {
			spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: dir, Target: dir})
		}
	}
	spec.Mounts = append(spec.Mounts,
		sandbox.Mount{Kind: sandbox.Cover, Target: "/usr/local/etc", Optional: true})
	// For "bailey why", wherever it is installed; what is not for the inside it refuses.
	if exe, err := os.Executable(); err == nil {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: exe, Target: binDir + "/bailey", Optional: true})
	}
}

// etc composes /etc file by file. The session's is the only authority: the
// gateway terminates every connection that leaves.
func (s *Session) etc(spec *sandbox.Spec) {
	id, ca := spec.Identity, s.gate.CAPEM()
	passwd := fmt.Sprintf("root:x:0:0:root:/:/usr/sbin/nologin\n%s:x:%d:%d::%s:%s\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
		id.Name, id.UID, id.GID, id.Home, id.Shell)
	group := fmt.Sprintf("root:x:0:\n%s:x:%d:\nnogroup:x:65534:\n", id.Name, id.GID)
	spec.Files = append(spec.Files,
		text("/etc/passwd", passwd), text("/etc/group", group), text("/etc/hostname", spec.Hostname+"\n"),
		text("/etc/hosts", "127.0.0.1 localhost "+spec.Hostname+"\n::1 localhost\n"),
		text("/etc/resolv.conf", "nameserver "+sandbox.ResolverAddr+"\noptions timeout:2 attempts:2\n"),
		text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
		text(caFile, string(ca)), text("/etc/ssl/certs/"+gateway.CAHash, string(ca)),
		text(caBundle, string(ca)),
	)
	for _, dir := range etcDirs {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: dir, Target: dir, Optional: true})
	}
}

func text(target, content string) sandbox.File {
	return sandbox.File{Target: target, Content: []byte(content), Mode: 0o644}
}

// writable are the places a program may write besides the project. /tmp is on
// disk, because memory is dearer; /var/tmp is the same place.
func (s *Session) writable(spec *sandbox.Spec) {
	spec.Mounts = append(spec.Mounts,
		sandbox.Mount{Source: s.tmpDir(), Target: "/tmp", Writable: true, Idmapped: true},
		sandbox.Mount{Source: s.homeDir(), Target: s.home, Writable: true, Idmapped: true})
	if s.atVarTmp { // nothing can be mounted below a link
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: s.tmpDir(), Target: "/var/tmp", Writable: true, Idmapped: true})
	}
	s.brought(spec)
}

// roots are the version managers and package directories that the user's
// programs live in, without the credentials beside them.
func (s *Session) roots(spec *sandbox.Spec) {
	for _, r := range s.program.Roots {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: r.Path, Target: r.Path, Idmapped: true, Optional: true})
		spec.Mounts = append(spec.Mounts, covers(r)...)
	}
}

func covers(r toolchain.Root) []sandbox.Mount {
	var ms []sandbox.Mount
	for _, rel := range r.Exclude {
		ms = append(ms, sandbox.Mount{Kind: sandbox.Cover, Target: filepath.Join(r.Path, rel), Optional: true})
	}
	return ms
}

// project lays the workspace and everything that hides or protects parts of it.
func (s *Session) project(spec *sandbox.Spec) {
	spec.Mounts = append(spec.Mounts, s.tree()...)
	for _, b := range s.view.Binds {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: b.Source, Target: b.Target,
			Writable: !b.ReadOnly, Idmapped: true, Pinned: s.inProject(b.Target), Real: s.inProject(b.Source)})
	}
	for i, f := range s.view.Files {
		source := viewDir + "/" + strconv.Itoa(i)
		spec.Files = append(spec.Files, sandbox.File{Target: source, Content: f.Content, Mode: 0o444})
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Kind: sandbox.Cover, Source: source, Target: f.Target, Pinned: true, Optional: true})
	}
	for _, m := range s.view.Masks {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Kind: sandbox.Cover, Target: m, Pinned: true, Optional: true})
	}
}

// names has the sandbox refuse control names; nil unless the user asked for it.
// What is bound into the project from elsewhere is the sandbox's own.
func (s *Session) names() *sandbox.Names {
	if !s.opts.StrictNames {
		return nil
	}
	n := &sandbox.Names{Root: s.root}
	for _, b := range s.view.Binds {
		if s.inProject(b.Target) && !within(b.Source, s.root) {
			n.Exempt = append(n.Exempt, b.Target)
		}
	}
	return n
}

// tree is the project itself, or an overlay over it.
func (s *Session) tree() []sandbox.Mount {
	if s.view.Upper == "" {
		return []sandbox.Mount{{Source: s.root, Target: s.root, Writable: true, Idmapped: true, Real: true}}
	}
	return []sandbox.Mount{
		{Source: s.view.Lower, Target: sandbox.OverlayLower, Idmapped: true, Real: true},
		{Source: s.view.Upper, Target: sandbox.OverlayUpper, Writable: true, Idmapped: true},
		{Kind: sandbox.Overlay, Target: s.root},
	}
}

// judge refuses a mount that would show Bailey's own files. None is ever asked
// for; this holds whatever the engines that ask come to believe.
func (s *Session) judge(spec sandbox.Spec) error {
	own := []string{s.dir, s.homeDir()}
	for _, m := range spec.Mounts {
		if m.Kind != sandbox.Bind || slices.ContainsFunc(own, func(dir string) bool { return within(m.Source, dir) && m.Source != s.dir }) {
			continue
		}
		for _, dir := range []string{home.Dir(), home.Run(), filepath.Dir(home.Config())} {
			if within(m.Source, dir) || within(dir, m.Source) {
				return api.Errorf(api.Denied, "%s would show %s, where Bailey keeps the vault or its own settings", m.Target, dir)
			}
		}
	}
	return nil
}

// within says whether path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func (s *Session) inProject(path string) bool { return strings.HasPrefix(path, s.root+"/") }

// passed are the variables that describe the terminal, the language and where
// version managers live. By exact name: a prefix such as LC_ lets anything in.
var passed = []string{
	"TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "NO_COLOR", "FORCE_COLOR", "CLICOLOR",
	"LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "LC_MONETARY", "TZ",
	"EDITOR", "VISUAL", "PAGER",
	"NVM_DIR", "NVM_BIN", "FNM_DIR", "VOLTA_HOME", "PYENV_ROOT", "ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR",
	"RUSTUP_HOME", "BUN_INSTALL", "SDKMAN_DIR", "JAVA_HOME", "GOROOT", "PNPM_HOME",
}

// maxPassed bounds a passed variable, bytes: longer ones are no such thing.
const maxPassed = 1024

// environment is built from nothing.
func (s *Session) environment(id sandbox.Identity) []string {
	env := []string{
		"HOME=" + id.Home, "USER=" + id.Name, "LOGNAME=" + id.Name, "SHELL=" + id.Shell, "PWD=" + s.opts.Dir,
		"TMPDIR=/tmp", "PATH=" + strings.Join(append(slices.Clone(s.program.PathList), binDir), ":"), Variable + "=" + s.ID,
		"SSL_CERT_FILE=" + caBundle, "NODE_EXTRA_CA_CERTS=" + caFile, "REQUESTS_CA_BUNDLE=" + caBundle,
		"CURL_CA_BUNDLE=" + caBundle, "PIP_CERT=" + caBundle, "AWS_CA_BUNDLE=" + caBundle, "DENO_CERT=" + caFile,
	}
	for _, name := range passed {
		v := lookup(s.opts.Env, name)
		if v != "" && len(v) <= maxPassed && !s.keys.holds([]byte(v)) {
			env = append(env, name+"="+v)
		}
	}
	if s.manifest != nil {
		for name, v := range s.manifest.Public {
			env = append(env, name+"="+v)
		}
	}
	return append(append(env, s.things.Env...), s.keys.environment()...)
}

func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// furnishHome writes what belongs into the private home, through safefs: an
// earlier session may have left links there.
func (s *Session) furnishHome() error {
	root, err := safefs.Open(s.homeDir())
	if err != nil {
		return fmt.Errorf("private home: %w", err)
	}
	defer root.Close()
	for _, f := range append(slices.Clone(s.view.Home), s.made()...) {
		old, err := root.ReadFile(f.Target, 1<<20)
		if err == nil && bytes.Equal(old, f.Content) {
			continue
		}
		if err := lay(root, f); err != nil {
			return fmt.Errorf("private home: %w", err)
		}
	}
	return s.points(root)
}
