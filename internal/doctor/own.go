package doctor

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// uids: root's sandboxes run as another user.
func (h *Host) uids() Row {
	if h.UID != 0 {
		return Row{}
	}
	r := Row{ID: "subuid", Title: "A user for root's sandboxes", State: OK, Detail: "of root's range in /etc/subuid"}
	for line := range strings.Lines(h.read("etc/subuid")) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 3 && (f[0] == "root" || f[0] == "0") {
			return r
		}
	}
	r.State = Note
	r.Detail = "no range is set aside for root in /etc/subuid: they run as uid 1879048192, which no distribution hands out"
	r.Mend = []string{"usermod --add-subuids 1000000-1065535 --add-subgids 1000000-1065535 root"}
	return r
}

// trace: what a program of the same user can take of another.
func (h *Host) trace() Row {
	const file = "proc/sys/kernel/yama/ptrace_scope"
	r := Row{ID: "ptrace", Title: "Programs of yours can't look into each other", State: OK, Detail: "kernel.yama.ptrace_scope is " + h.read(file)}
	switch h.read(file) {
	case "":
		r.State, r.Detail = Note, "this kernel has no Yama: what runs as you can read the memory of what bailey run started"
		r.Mend = []string{"bailey agent for whatever need not have secrets"}
	case "0":
		r.State, r.Detail = Warn, "kernel.yama.ptrace_scope is 0: what runs as you can read the memory of what bailey run started"
		r.Mend = []string{"echo kernel.yama.ptrace_scope=1 | sudo tee /etc/sysctl.d/60-bailey-ptrace.conf", "sudo sysctl --system"}
	}
	return r
}

// permissions: nobody else gets into Bailey's directory, so the modes of what is
// in it don't matter.
func (h *Host) permissions() Row {
	r := Row{ID: "permissions", Title: "Bailey's files are yours alone", State: OK, Detail: h.Home}
	info, err := os.Stat(h.Home)
	if err != nil {
		r.State, r.Detail = Note, "none yet (bailey init)"
		return r
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || int(st.Uid) != h.UID:
		r.State, r.Detail = Fail, h.Home+" belongs to another user"
		r.Mend = []string{"sudo chown -R " + strconv.Itoa(h.UID) + " " + h.Home}
	case info.Mode().Perm()&0o077 != 0:
		r.State, r.Detail = Fail, fmt.Sprintf("others get into %s: its mode is %#o", h.Home, info.Mode().Perm())
		r.Mend = []string{"chmod go= " + h.Home}
		r.Fixable, r.fix = true, func() error { return os.Chmod(h.Home, info.Mode().Perm()&^0o077) }
	}
	return r
}

func (h *Host) backup() Row {
	r := Row{ID: "recovery", Title: "Somebody has the recovery code", State: OK}
	if h.Backup == nil {
		return Row{}
	}
	switch secrets, verified := h.Backup(); {
	case !secrets:
		r.State, r.Detail = Note, "no secrets yet, or the vault is locked: bailey status says more"
	case verified:
		r.Detail = "proved with bailey recover"
	default:
		r.State, r.Detail = Warn, "nobody has proved it: without code and passphrase all secrets are lost"
		r.Mend = []string{"bailey recover"}
	}
	return r
}

// agents still start outside by their names, by aliases, or within an editor.
func (h *Host) agents() Row {
	r := Row{ID: "agents", Title: "Agents start in a sandbox", State: OK, Detail: "none starts outside by its name, an alias or an editor"}
	var list, names []string
	editor := false
	for _, a := range h.Agents {
		list = append(list, a.Path+" ("+a.How+")")
		if editor = editor || a.How == "by an editor"; a.How != "by an editor" && !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
	}
	if len(list) == 0 {
		return r
	}
	r.State = Warn
	r.Detail = "started so, these read what you can read: " + strings.Join(list, ", ")
	if len(names) > 0 {
		r.Mend = append(r.Mend, "bailey agent install "+strings.Join(names, " "))
	}
	if editor {
		r.Mend = append(r.Mend, "in the editor, name the command in "+h.Shims+" as the extension's program or process wrapper")
	}
	return r
}
