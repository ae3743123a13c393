package sandbox

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// startFailure explains why the kernel refused new namespaces, and names the
// command that mends it.
func startFailure(err error) error {
	f := &Failure{Reason: "no sandbox: the kernel refused new namespaces: " + err.Error()}
	switch {
	case errors.Is(err, unix.ENOSPC):
		f.Mend = "the limit user.max_user_namespaces is reached: sudo sysctl user.max_user_namespaces=65536"
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		f.Mend = apparmorHint()
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		f.Mend = "sudo sysctl kernel.unprivileged_userns_clone=1"
	case sysctl("user/max_user_namespaces") == "0":
		f.Mend = "sudo sysctl user.max_user_namespaces=65536"
	case inContainer():
		f.Mend = "this is a container whose seccomp profile forbids user namespaces: start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
	default:
		f.Mend = "see bailey help platforms"
	}
	return f
}

// hint names the mend of what PID 1 could not build.
func hint(err error) string {
	switch {
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		if sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" {
			return apparmorHint()
		}
	case errors.Is(err, errNoLandlock):
		return "add landlock to the lsm= kernel parameter (kernel 5.13 or newer)"
	}
	return ""
}

// apparmorHint is for Ubuntu 23.10 and newer: unprivileged user namespaces
// work only for programs with a profile that says so.
func apparmorHint() string {
	exe, err := os.Executable()
	if err != nil {
		exe = "/usr/local/bin/bailey"
	}
	return "Ubuntu's AppArmor restricts user namespaces; allow this binary with the profile that it brings:\n" +
		"\t" + exe + " doctor --apparmor-profile | sudo tee /etc/apparmor.d/bailey\n" +
		"\tsudo apparmor_parser -r /etc/apparmor.d/bailey"
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func inContainer() bool {
	_, docker := os.Stat("/.dockerenv")
	_, podman := os.Stat("/run/.containerenv")
	return docker == nil || podman == nil
}
