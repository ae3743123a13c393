//go:build !linux

package machine

import (
	"context"
	"errors"

	"github.com/bailey-project/bailey/internal/probe"
)

// Run refuses: there is no sandbox here to be probed.
func Run(context.Context, string, Job, func(probe.Result)) error {
	return errors.New("no probes on this system: they need the Linux kernel")
}
