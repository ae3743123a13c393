package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hinted is a refusal with its mend.
type hinted struct{ text, mend string }

func (h hinted) Error() string { return h.text }
func (h hinted) Hint() string  { return h.mend }

// healthy is a Linux machine on which everything works, its files below root.
func healthy(t *testing.T) *Host {
	t.Helper()
	root := t.TempDir()
	home := filepath.Join(root, "home/u/.bailey")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	h := &Host{Root: root, UID: os.Getuid(), GOOS: "linux", Home: home, Exe: "/usr/local/bin/bailey",
		Env:     func(string) string { return "" },
		Sandbox: func() (Sandbox, error) { return Sandbox{Regime: "every layer"}, nil },
		Backup:  func() (bool, bool) { return true, true },
		Kernel: Kernel{Release: "6.18.4-generic", Landlock: func() (int, int, error) { return 7, 7, nil },
			Seccomp: func() error { return nil }, Groups: func() string { return "counted" }}}
	h.put(t, "etc/subuid", "root:1000000:65536\n")
	h.put(t, "proc/sys/kernel/yama/ptrace_scope", "1\n")
	h.put(t, "proc/self/mountinfo", "22 28 0:21 / /proc rw - proc proc rw\n30 22 0:27 / /proc/sys/fs/binfmt_misc rw - autofs x rw\n")
	return h
}

func (h *Host) put(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(h.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func row(rows []Row, id string) Row {
	if i := slices.IndexFunc(rows, func(r Row) bool { return r.ID == id }); i >= 0 {
		return rows[i]
	}
	return Row{}
}

func TestAHealthyMachine(t *testing.T) {
	rows := healthy(t).Rows()
	if !Healthy(rows) {
		t.Errorf("not healthy: %+v", rows)
	}
	for _, r := range rows {
		if r.State != OK && r.State != Note || len(r.Mend) > 0 {
			t.Errorf("%+v", r)
		}
	}
}

// Each thing that can be wrong is found by its row, which names the mend.
func TestWhatIsWrongIsFoundAndItsMendNamed(t *testing.T) {
	refused := func(mend string) func() (Sandbox, error) {
		return func() (Sandbox, error) { return Sandbox{}, hinted{"no sandbox", mend} }
	}
	for _, test := range []struct {
		name, id string
		state    State
		mend     string
		spoil    func(t *testing.T, h *Host)
	}{
		{"macOS", "platform", Fail, "over ssh", func(_ *testing.T, h *Host) { h.GOOS = "darwin" }},
		{"old kernel", "platform", Fail, "5.15", func(_ *testing.T, h *Host) { h.Kernel.Release = "5.10.0-21-amd64" }},
		{"strange kernel", "platform", Fail, "5.15", func(_ *testing.T, h *Host) { h.Kernel.Release = "?" }},
		{"no Landlock", "landlock", Fail, "lsm=landlock", func(_ *testing.T, h *Host) {
			h.Kernel.Landlock = func() (int, int, error) { return 0, 0, errors.New("none") }
		}},
		{"old Landlock", "landlock", Note, "", func(_ *testing.T, h *Host) {
			h.Kernel.Landlock = func() (int, int, error) { return 3, 0, nil }
		}},
		{"no seccomp", "seccomp", Fail, "CONFIG_SECCOMP_FILTER", func(_ *testing.T, h *Host) {
			h.Kernel.Seccomp = func() error { return errors.New("none") }
		}},
		{"sandbox refused", "sandbox", Fail, "do this", func(_ *testing.T, h *Host) { h.Sandbox = refused("first\n\tdo this") }},
		{"userns off", "userns-clone", Fail, "kernel.unprivileged_userns_clone=1", func(t *testing.T, h *Host) {
			h.Sandbox = refused("")
			h.put(t, "proc/sys/kernel/unprivileged_userns_clone", "0\n")
		}},
		{"no userns left", "userns-max", Fail, "user.max_user_namespaces=65536", func(t *testing.T, h *Host) {
			h.Sandbox = refused("")
			h.put(t, "proc/sys/user/max_user_namespaces", "0\n")
		}},
		{"Ubuntu", "apparmor", Fail, "doctor --apparmor-profile | sudo tee /etc/apparmor.d/bailey", func(t *testing.T, h *Host) {
			h.put(t, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
		}},
		{"profile for another binary", "apparmor", Fail, "apparmor_parser", func(t *testing.T, h *Host) {
			h.put(t, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
			h.put(t, "etc/apparmor.d/bailey", Profile("/usr/local/bin/bailey2"))
		}},
		{"Ubuntu with the profile", "apparmor", OK, "", func(t *testing.T, h *Host) {
			h.put(t, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
			h.put(t, "etc/apparmor.d/bailey", Profile(h.Exe))
		}},
		{"Docker", "container", Fail, "systempaths=unconfined", func(t *testing.T, h *Host) {
			h.put(t, ".dockerenv", "")
			h.put(t, "proc/self/mountinfo", "1 2 0:5 / /proc rw - proc proc rw\n9 1 0:6 /null /proc/kcore rw - tmpfs t rw\n")
		}},
		{"Docker with a whole /proc", "container", OK, "", func(t *testing.T, h *Host) { h.put(t, ".dockerenv", "") }},
		{"Kubernetes", "container", Fail, "procMount: Unmasked", func(t *testing.T, h *Host) {
			h.Env = func(name string) string { return map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}[name] }
			h.put(t, "proc/self/mountinfo", "9 1 0:6 / /proc/acpi ro - tmpfs t ro\n")
		}},
		{"WSL2", "interop", OK, "", func(_ *testing.T, h *Host) { h.Kernel.Release = "5.15.167.4-microsoft-standard-WSL2" }},
		{"WSL2 with Windows inside", "interop", Fail, "enabled=false", func(_ *testing.T, h *Host) {
			h.Kernel.Release = "6.6.87.2-microsoft-standard-WSL2"
			h.Sandbox = func() (Sandbox, error) { return Sandbox{Output: "/init\n/mnt/c\n"}, nil }
		}},
		{"open ptrace", "ptrace", Warn, "ptrace_scope=1", func(t *testing.T, h *Host) {
			h.put(t, "proc/sys/kernel/yama/ptrace_scope", "0\n")
		}},
		{"open home", "permissions", Fail, "chmod go=", func(t *testing.T, h *Host) {
			if err := os.Chmod(h.Home, 0o755); err != nil {
				t.Fatal(err)
			}
		}},
		{"somebody else's home", "permissions", Fail, "chown", func(_ *testing.T, h *Host) { h.UID = 4711 }},
		{"no backup", "recovery", Warn, "bailey recover", func(_ *testing.T, h *Host) { h.Backup = func() (bool, bool) { return true, false } }},
		{"agents outside", "agents", Warn, "bailey agent install claude", func(_ *testing.T, h *Host) { h.Agents = []Agent{{"claude", "/opt/bin/claude", "by its name"}} }},
		{"agents in an editor", "agents", Warn, "process wrapper", func(_ *testing.T, h *Host) { h.Agents = []Agent{{"claude", "/x", "by an editor"}} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := healthy(t)
			test.spoil(t, h)
			rows := h.Rows()
			r := row(rows, test.id)
			if r.State != test.state || !strings.Contains(strings.Join(r.Mend, "\n"), test.mend) || (test.mend == "") != (len(r.Mend) == 0) {
				t.Errorf("%+v", r)
			}
			if Healthy(rows) != (test.state != Fail) {
				t.Errorf("healthy is %v: %+v", Healthy(rows), rows)
			}
		})
	}
}

func TestFixMendsWhatItSays(t *testing.T) {
	h := healthy(t)
	if err := os.Chmod(h.Home, 0o777); err != nil {
		t.Fatal(err)
	}
	r := row(h.Rows(), "permissions")
	if !r.Fixable || r.Fix() != nil || row(h.Rows(), "permissions").State != OK {
		t.Errorf("after the fix: %+v", row(h.Rows(), "permissions"))
	}
	h.Sandbox = func() (Sandbox, error) { return Sandbox{}, errors.New("no") }
	h.put(t, "proc/sys/user/max_user_namespaces", "0")
	h.put(t, "etc/sysctl.d/60-bailey.conf", "kernel.x=1\n")
	if r := row(h.Rows(), "userns-max"); r.Fixable != (h.UID == 0) {
		t.Errorf("%+v", r)
	}
	h.UID = 0
	for range 2 { // a second time changes nothing
		if err := (Row{ID: "x", fix: h.setSysctl("user/max_user_namespaces", "65536")}).Fix(); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.read("etc/sysctl.d/60-bailey.conf"); got != "kernel.x=1\nuser.max_user_namespaces=65536" {
		t.Errorf("settings: %q", got)
	}
	if got := h.read("proc/sys/user/max_user_namespaces"); got != "65536" {
		t.Errorf("in force: %q", got)
	}
	if (Row{ID: "x"}).Fix() == nil {
		t.Error("a row without a fix was mended")
	}
}

// The path of the program is not to be taken for a pattern or an end of line.
func TestProfileQuotesThePath(t *testing.T) {
	if p := Profile("/usr/bin/bailey"); !strings.Contains(p, "\nprofile bailey /usr/bin/bailey flags=(unconfined) {\n  userns,\n") {
		t.Error(p)
	}
	if p := Profile(`/home/a b/{x}*"@`); !strings.Contains(p, fmt.Sprintf(`profile bailey "%s" flags`, `/home/a b/\{x}\*\"\@`)) {
		t.Error(p)
	}
}
