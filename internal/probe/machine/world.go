//go:build linux

package machine

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/sink"
)

// world is what is in the machine.
type world struct {
	job        Job
	target     probe.Target
	canaries   map[string]string // value → place
	sinks      sink.Sinks
	ready      bool     // they listen
	upstreamAt string   // of the one host that may be allowed
	env        []string // the launcher's
	fds        []*os.File
}

const project = "home/code/shop" // below the fixture's directory

func newWorld(job Job) (*world, error) {
	d := job.Dir
	w := &world{job: job, canaries: map[string]string{}}
	w.target = probe.Target{WS: d + "/" + project, Out: d + "/out", Home: d + "/home", Own: d + "/own", Mark: d + "/marks/pwned",
		Dir: d + "/socks", UID: os.Getuid(), Prefix: "t" + random(6), Port: 4711}
	for _, step := range []func() error{w.furnish, w.repository, w.reset, w.listen, w.channels, w.victim, w.launcher} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// canary makes a new one and remembers where it is.
func (w *world) canary(place string) string {
	c := probe.CanaryPrefix + random(10)
	w.canaries[c] = strings.TrimPrefix(place, "template/")
	return c
}

// seen finds a canary of this machine in what an attacker printed.
func (w *world) seen(text string) string {
	for _, c := range regexp.MustCompile(probe.CanaryPrefix+`[0-9a-f]{20}`).FindAllString(text, -1) {
		if place, ok := w.canaries[c]; ok {
			return place
		}
	}
	return ""
}

// plant writes a file with a canary. Paths are below the fixture's directory,
// or absolute.
func (w *world) plant(path, before, after string) error {
	full := path
	if !filepath.IsAbs(path) {
		full = filepath.Join(w.job.Dir, path)
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(before+w.canary(path)+after), 0o644)
}

// furnish fills the directories that reset copies from, and the rest of the
// machine's file system.
func (w *world) furnish() error {
	var errs []error
	for _, rel := range strings.Fields(homeFiles) {
		errs = append(errs, w.plant("template/home/"+rel, "", "\n"))
	}
	for _, rel := range strings.Fields(envFiles) {
		errs = append(errs, w.plant("template/home/code/"+rel, "API_KEY=", "\n"))
	}
	for _, path := range strings.Fields(ownFiles) {
		errs = append(errs, w.plant("template/"+path, "# ", "\n"))
	}
	for _, path := range strings.Fields(systemFiles) {
		errs = append(errs, w.plant(path, "", "\n"))
	}
	for name, content := range projectFiles() {
		full := w.job.Dir + "/template/" + project + "/" + name
		errs = append(errs, os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o644))
	}
	errs = append(errs, os.MkdirAll(w.job.Dir+"/template/out/dir", 0o755), os.MkdirAll(w.job.Dir+"/marks", 0o777), os.MkdirAll(w.target.Dir, 0o755),
		os.Chmod(w.job.Dir+"/template/out/secret", 0o600), os.Chmod(w.job.Dir+"/template/out/group", 0o640), os.Chmod(w.job.Dir, 0o755),
		copyFile(w.job.Dir+"/bin/bailey", w.job.Dir+"/helper"))
	return errors.Join(errs...)
}

const (
	homeFiles = `.ssh/id_ed25519 .aws/credentials .netrc .git-credentials .npmrc .pypirc .docker/config.json .kube/config .config/gh/hosts.yml
		.gnupg/private.key .password-store/x.gpg .local/share/keyrings/login.keyring .config/gcloud/adc.json .azure/token.json .terraform.d/credentials.tfrc.json
		.cargo/credentials.toml .vault-token .mozilla/firefox/logins.json .config/google-chrome/Default/Cookies .thunderbird/mail .electrum/wallets/default
		.claude/projects/other/session.jsonl .claude/.credentials.json .claude.json .codex/auth.json .codex/sessions/x .gemini/oauth_creds.json .gemini/tmp/x
		.copilot/session .vim/undo/x .local/state/nvim/swap .cache/editor .bash_history .zsh_history .local/share/containers/x/canary .bashrc .profile`
	envFiles = `.env other/.env.local shop/.env shop/.env.production shop/app/.env.local shop/.env~ shop/.env.bak shop/#.env# shop/..env.swp
		shop/prod.tfvars shop/terraform.tfstate shop/.netrc shop/.pypirc shop/.git-credentials shop/certs/id_rsa shop/config/master.key shop/.dev.vars`
	ownFiles    = `own/vault/canary own/audit/canary own/sessions/other/canary own/state/canary out/secret out/group`
	systemFiles = `misc/secret /tmp/host-canary /var/tmp/host-canary /dev/shm/host-canary /var/log/syslog /var/log/auth.log /var/log/group-canary /run/log/journal/x
		/var/lib/systemd/coredump/canary /var/crash/canary /var/lib/docker/overlay2/x/diff/canary /var/lib/containers/storage/x/canary`
)

// projectFiles are what a project has besides secrets.
func projectFiles() map[string]string {
	return map[string]string{
		"file.txt": "one\n", "README.md": "a shop\n", "package.json": "{}\n", ".gitignore": ".attack\n.env*\n", ".vscode/tasks.json": "{}\n",
		"app/main.js": "1\n", ".npmrc": "fund=false\n", "Makefile": "all:\n", "keep/x": "x\n", "notes.txt": "x\n",
	}
}

// repository makes the project one.
func (w *world) repository() error {
	dir := w.job.Dir + "/template/"
	script := `set -e
		cd "$1"; git init -q -b main; git config user.email a@b.example; git config user.name a; git config protocol.file.allow always
		git add -f file.txt README.md package.json .gitignore .vscode app/main.js Makefile; git commit -qm one; echo two >> file.txt; git commit -qam two
		rm -f notes.txt; ln .env.production notes.txt; ln .env keep/hard
		cd "$2"; mkdir repo; cd repo; git init -q -b main; git config user.email a@b.example; git config user.name a; git commit -q --allow-empty -m one`
	cmd := exec.Command("sh", "-c", script, "sh", dir+project, dir+"out")
	cmd.Env = []string{"PATH=" + systemPath, "HOME=" + dir + "home", "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git: %w: %s", err, out)
	}
	return nil
}

const systemPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

// reset puts the directories back as they were.
func (w *world) reset() error {
	for _, d := range []string{"home", "out", "own", "marks"} {
		removeAll(w.job.Dir + "/" + d)
	}
	cp := exec.Command("cp", "-a", w.job.Dir+"/template/.", w.job.Dir+"/")
	if out, err := cp.CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	ws := w.target.WS
	errs := []error{os.Mkdir(w.job.Dir+"/marks", 0o777), os.Mkdir(ws+"/.attack", 0o755), os.Link(w.job.Dir+"/helper", ws+"/.attack/bailey"),
		w.configure()}
	if w.ready {
		for _, to := range []string{ws + "/host.sock", ws + "/app/dev.sock", w.target.Home + "/.docker/run/docker.sock"} {
			errs = append(errs, os.MkdirAll(filepath.Dir(to), 0o755), os.Link(w.target.Dir+"/host.sock", to))
		}
	}
	return errors.Join(errs...)
}

// configure pins the one host that answers, for who allows it.
func (w *world) configure() error {
	text := fmt.Sprintf("# the user's own\nupstreams:\n  - {host: ok.example, at: %q, ca: %q}\n", w.upstreamAt, w.job.Dir+"/ca.pem")
	return os.WriteFile(w.target.Own+"/config.yaml", []byte(text), 0o600)
}

// victim starts a process of the user's that has a canary in its environment,
// its arguments, its memory and an open, deleted file.
func (w *world) victim() error {
	deleted, err := os.Create(w.job.Dir + "/deleted")
	if err != nil {
		return err
	}
	_, _ = deleted.WriteString(w.canary("a deleted file of the victim"))
	_ = os.Remove(deleted.Name())
	cmd := exec.Command(w.job.Dir+"/helper", probe.Arg, "victim", w.target.Mark, "--password="+w.canary("the victim's arguments"))
	cmd.Dir = w.job.Dir + "/misc"
	cmd.Env = []string{"TOKEN=" + w.canary("the victim's environment"), "MEMORY=" + w.canary("the victim's memory")}
	cmd.ExtraFiles = []*os.File{deleted}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.target.Victim = cmd.Process.Pid
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("victim: %w", err)
	}
	_, err = fmt.Sscan(line, &w.target.Memory)
	return err
}

// launcher is the environment and the open descriptors that a careless
// program would pass on.
func (w *world) launcher() error {
	w.env = []string{"PATH=" + systemPath, "HOME=" + w.target.Home, "BAILEY_HOME=" + w.target.Own, "USER=dev", "LOGNAME=dev", "SHELL=/bin/sh",
		"LANG=C.UTF-8", "TERM=xterm", "TMPDIR=/var/tmp", "GIT_CONFIG_NOSYSTEM=1", "SSH_AUTH_SOCK=" + w.target.Dir + "/agent.sock", "DISPLAY=:0",
		fmt.Sprintf("DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/%d/bus", os.Getuid())}
	for _, name := range []string{"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LANGCHAIN_API_KEY", "LC_SECRET", "YARN_NPM_AUTH_IDENT", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "NODE_OPTIONS_TOKEN"} {
		w.env = append(w.env, name+"="+w.canary("the launcher's "+name))
	}
	file, err := os.Open(w.job.Dir + "/template/out/secret")
	if err != nil {
		return err
	}
	dir, err := os.Open(w.job.Dir + "/template/out")
	if err != nil {
		return err
	}
	w.fds = []*os.File{file, dir}
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, file.Name(), 0)
	if err == nil {
		w.target.Handle, w.target.HType = h.Bytes(), h.Type()
	}
	return nil
}
