package why

import (
	"testing"

	"github.com/bailey-project/bailey/internal/sandbox/seccomp"
)

func TestCall(t *testing.T) {
	m := &Map{}
	for name, want := range map[string]string{"io_uring_setup": "denied", "mount": "denied", "socket": "limited", "clone": "limited", "read": "allowed", "ptrace": "allowed"} {
		if a := m.Call(name); a.Decision != want {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for _, r := range seccomp.Table() {
		if a := m.Call(r.Name); a.Decision == "allowed" || a.Rule == "" {
			t.Errorf("%s has a row: %+v", r.Name, a)
		}
	}
}
