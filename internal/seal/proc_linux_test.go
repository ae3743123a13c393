package seal

import (
	"os/exec"
	"syscall"
)

// endWithUs has the kernel end cmd when this process is killed.
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
