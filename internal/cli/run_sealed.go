package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
)

// runSealed runs the command in a sandbox in place of this process.
func runSealed(ctx context.Context, f *runFlags, args []string) error {
	switch {
	case !f.sealed:
		return api.Usagef("run: --port goes with --sealed: without it the command listens on this machine itself")
	case f.explain, f.orEnv, f.watch, f.asJSON:
		return api.Usagef("run: --sealed gives no values: --explain, --watch and --or-env are for a run that does")
	}
	ports, err := parsePorts(f.ports)
	if err != nil {
		return err
	}
	p, err := f.where.find()
	if err != nil {
		return err
	}
	if project, ok := manifest.Bound(p.Root); !ok || project != p.Project || f.where.folder != "" {
		return api.Usagef("run: --sealed takes the project and the folder of this directory: start it there, without --project and --folder")
	}
	if _, err := existing(); err != nil {
		return err
	}
	o, err := agentOptions(args, f.where.environment)
	if err == nil {
		err = freshForAgent(ctx, o, f.where.offline)
	}
	if err != nil {
		return err
	}
	o.Ports, o.AllPorts = ports, len(ports) == 0
	o.Term.Notef("sealed: placeholders in place of values; open on this machine's loopback: %s", sealedPorts(ports))
	return runSession(ctx, o)
}

func sealedPorts(named []policy.Port) string {
	if len(named) == 0 {
		return "the ports that it listens on"
	}
	var list []string
	for _, p := range named {
		list = append(list, fmt.Sprint(p))
	}
	return strings.Join(list, ", ")
}
