package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// attest reads back what the kernel has on the calling thread, which starts the
// workload, and refuses when that is less than was asked for: a call that
// returned no error is not yet a layer in force.
func (r *Regime) attest() error {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return fmt.Errorf("attesting the sandbox: %w", err)
	}
	return r.read(string(b))
}

func (r *Regime) read(status string) error {
	field := map[string]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		field[name] = strings.TrimSpace(value)
	}
	var caps uint64
	for _, name := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		set, err := strconv.ParseUint(field[name], 16, 64)
		if err != nil {
			return fmt.Errorf("attesting the sandbox: %s is %q", name, field[name])
		}
		caps |= set
	}
	r.NoNewPrivs = field["NoNewPrivs"] == "1"
	r.Filters, _ = strconv.Atoi(field["Seccomp_filters"])
	r.Capabilities = strconv.FormatUint(caps, 16)
	switch {
	case !r.NoNewPrivs:
		return errors.New("attesting the sandbox: no_new_privs is not set")
	case field["Seccomp"] != "2": // Seccomp_filters came with 5.9
		return errors.New("attesting the sandbox: no seccomp filter is in force")
	case caps != 0:
		return errors.New("attesting the sandbox: capabilities are left: " + r.Capabilities)
	}
	return nil
}
