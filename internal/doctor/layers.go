package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// oldest is the kernel from which on everything works, major*1000 + minor.
const oldest = 5*1000 + 15

func (h *Host) platform() Row {
	r := Row{ID: "platform", Title: "Platform", State: OK, Detail: h.GOOS + " " + h.Kernel.Release}
	switch {
	case h.GOOS != "linux":
		r.State = Fail
		r.Detail += ": vault, run and secret work; agent needs the Linux kernel"
		r.Mend = []string{"run bailey agent on a Linux machine, over ssh"}
	case version(h.Kernel.Release) < oldest:
		r.State = Fail
		r.Detail += ": sandboxes are made for 5.15 and newer"
		r.Mend = []string{"install a kernel of 5.15 or newer"}
	case h.wsl():
		r.Detail += " (WSL2)"
	}
	return r
}

// wsl is true under Windows: its kernels are named for it.
func (h *Host) wsl() bool {
	release := strings.ToLower(h.Kernel.Release)
	return strings.Contains(release, "microsoft") || strings.Contains(release, "wsl2")
}

func version(release string) int {
	major, rest, _ := strings.Cut(release, ".")
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 {
		rest = rest[:digits]
	}
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(rest)
	return a*1000 + b
}

func (h *Host) landlock() Row {
	r := Row{ID: "landlock", Title: "Landlock", State: OK}
	abi, errata, err := h.Kernel.Landlock()
	if err != nil || abi < 1 {
		r.State, r.Detail = Fail, "this kernel has none, or it is not in the lsm= list at boot"
		r.Mend = []string{"add landlock to the lsm= kernel parameter, as in: lsm=landlock,lockdown,yama,integrity,apparmor,bpf", "and restart the machine"}
		return r
	}
	r.Detail = fmt.Sprintf("ABI %d, errata %#x", abi, errata)
	if abi < 6 {
		r.State = Note
		r.Detail += ": signals and abstract sockets are kept in by the namespaces alone (both from ABI 6, kernel 6.12)"
	}
	return r
}

func (h *Host) seccomp() Row {
	if err := h.Kernel.Seccomp(); err != nil {
		return Row{ID: "seccomp", Title: "System-call filter", State: Fail, Detail: err.Error(),
			Mend: []string{"use a kernel with CONFIG_SECCOMP_FILTER"}}
	}
	return Row{ID: "seccomp", Title: "System-call filter", State: OK, Detail: "the kernel takes filters that kill and that refuse"}
}

// sandbox starts one: the only proof that it starts.
func (h *Host) sandbox() []Row {
	got, err := h.Sandbox()
	r := Row{ID: "sandbox", Title: "A sandbox starts", State: OK, Detail: got.Regime}
	if err != nil {
		r.State, r.Detail = Fail, err.Error()
		var hint Hinter
		if errors.As(err, &hint) && hint.Hint() != "" {
			r.Mend = strings.Split(hint.Hint(), "\n\t")
		}
		return append([]Row{r}, h.switches()...)
	}
	if !h.wsl() {
		return []Row{r}
	}
	w := Row{ID: "interop", Title: "Windows is out of reach inside", State: OK, Detail: "no interop socket, no drive, no init of Windows in a sandbox"}
	if got.Output != "" {
		w.State, w.Detail = Fail, "reachable inside: "+strings.Join(strings.Fields(got.Output), ", ")
		w.Mend = []string{"add to /etc/wsl.conf: [interop] enabled=false", "then, in Windows: wsl --shutdown"}
	}
	return []Row{r, w}
}

// switches are settings that keep a sandbox from starting. They are looked at
// only when it does not start.
func (h *Host) switches() []Row {
	var rows []Row
	for _, s := range []struct{ id, name, bad, good, title string }{
		{"userns-clone", "kernel/unprivileged_userns_clone", "0", "1", "User namespaces for ordinary users"},
		{"userns-max", "user/max_user_namespaces", "0", "65536", "Number of user namespaces"},
		{"netns-max", "user/max_net_namespaces", "0", "65536", "Number of network namespaces"},
	} {
		if h.read("proc/sys/"+s.name) != s.bad {
			continue
		}
		name := strings.ReplaceAll(s.name, "/", ".")
		rows = append(rows, Row{ID: s.id, Title: s.title, State: Fail, Detail: name + " is " + s.bad,
			Mend:    []string{"echo " + name + "=" + s.good + " | sudo tee /etc/sysctl.d/60-bailey.conf", "sudo sysctl --system"},
			Fixable: h.UID == 0, fix: h.setSysctl(s.name, s.good)})
	}
	return rows
}

func (h *Host) setSysctl(name, value string) func() error {
	return func() error {
		line := strings.ReplaceAll(name, "/", ".") + "=" + value + "\n"
		conf := filepath.Join(h.Root, "etc/sysctl.d/60-bailey.conf")
		old, _ := os.ReadFile(conf)
		if !strings.Contains(string(old), line) {
			if err := os.WriteFile(conf, append(old, line...), 0o644); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(h.Root, "proc/sys", name), []byte(value), 0o644)
	}
}

// profilePath is where Ubuntu looks for profiles.
const profilePath = "etc/apparmor.d/bailey"

func (h *Host) apparmor() Row {
	if h.read("proc/sys/kernel/apparmor_restrict_unprivileged_userns") != "1" {
		return Row{}
	}
	r := Row{ID: "apparmor", Title: "AppArmor lets this program make user namespaces", State: OK, Detail: "by its profile /" + profilePath}
	if h.UID == 0 {
		r.Detail = "root may; ordinary users need the profile /" + profilePath
	}
	if strings.Contains(h.read(profilePath), quote(h.Exe)+" ") {
		return r
	}
	r.State, r.Detail = Fail, "Ubuntu gives them only to programs with a profile, and there is none for "+h.Exe
	r.Mend = []string{h.Exe + " doctor --apparmor-profile | sudo tee /" + profilePath, "sudo apparmor_parser -r /" + profilePath}
	r.Fixable, r.fix = h.UID == 0, h.installProfile
	return r
}

func (h *Host) installProfile() error {
	path := filepath.Join(h.Root, profilePath)
	if err := os.WriteFile(path, []byte(Profile(h.Exe)), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("apparmor_parser", "-r", path).CombinedOutput(); err != nil {
		return fmt.Errorf("apparmor_parser: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// container says what a container has to be started with. Masked files below
// /proc make the kernel refuse a fresh one.
func (h *Host) container() Row {
	kube := h.Env("KUBERNETES_SERVICE_HOST") != ""
	masked := h.masked()
	if !kube && len(masked) == 0 && !h.exists(".dockerenv") && !h.exists("run/.containerenv") {
		return Row{}
	}
	r := Row{ID: "container", Title: "Sandboxes within this container", State: OK, Detail: "/proc is whole"}
	if len(masked) == 0 {
		return r
	}
	r.State = Fail
	r.Detail = "parts of /proc are masked (" + strings.Join(masked[:min(len(masked), 3)], ", ") + "): the kernel refuses a fresh one"
	r.Mend = []string{"start the container with: --security-opt seccomp=unconfined --security-opt systempaths=unconfined"}
	if kube {
		r.Mend = []string{"in the pod: securityContext: {procMount: Unmasked, seccompProfile: {type: Unconfined}}, with hostUsers: false"}
	}
	return r
}

// masked lists what is mounted over parts of /proc (proc(5), mountinfo).
func (h *Host) masked() []string {
	var list []string
	for line := range strings.Lines(h.read("proc/self/mountinfo")) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasPrefix(f[4], "/proc/") || strings.HasPrefix(f[4], "/proc/sys/fs/binfmt_misc") {
			continue
		}
		list = append(list, f[4])
	}
	return list
}
