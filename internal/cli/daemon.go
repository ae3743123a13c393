package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
)

// newDaemon is what commands start on demand; it can run in the foreground
// under a service manager as well.
func newDaemon() *cobra.Command {
	var idle time.Duration
	cmd := &cobra.Command{
		Use: "daemon", Short: "Hold the unlocked vault and answer the commands", Args: nothing, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts := serverOptions()
			opts.Idle = idle
			d := daemon.Daemon{Socket: home.Socket(), Options: opts}
			return d.Run(cmd.Context())
		},
	}
	cmd.Flags().DurationVar(&idle, "idle", daemon.DefaultIdle, "lock after so long without a request; 0 never")
	return cmd
}
