package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/port"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

type portFlags struct {
	remove, list, asJSON bool
	id                   string
}

// openPort is one line of --list; its JSON is stable.
type openPort struct {
	Session string `json:"session"`
	port.Opened
	URL string `json:"url"`
}

func newPort() *cobra.Command {
	var f portFlags
	cmd := &cobra.Command{
		Use:   "port PORT",
		Short: "Open a port that a program in a running session listens on, on this machine's loopback",
		Long: "Opens PORT of this project's running session on 127.0.0.1 and ::1 of this machine, and on no\n" +
			"other interface: under the same number, or another where that is taken. It is closed when\n" +
			"the session ends. What is to be open in every session stands in bailey.yaml, under\n" +
			"agent.ports.",
		Example: "  bailey port 5173\n  bailey port --list\n  bailey port --remove 5173",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return nothing(cmd, args)
			}
			return exactly("PORT")(cmd, args)
		},
		ValidArgsFunction: completePorts,
		RunE:              func(cmd *cobra.Command, args []string) error { return changePort(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.remove, "remove", false, "close it again, with its connections")
	flags.BoolVar(&f.list, "list", false, "show the open ports of this project's sessions")
	flags.StringVar(&f.id, "session", "", "`session`, where several run in this project")
	flags.BoolVar(&f.asJSON, "json", false, "machine-readable")
	_ = cmd.RegisterFlagCompletionFunc("session", completeSessions)
	return cmd
}

func changePort(ctx context.Context, f *portFlags, args []string) error {
	running, err := runningHere(f.id)
	if f.list {
		if err != nil {
			return err
		}
		return listPorts(ctx, running, f.asJSON)
	}
	p, perr := policy.ParsePort(args[0])
	if perr != nil {
		return &api.UsageError{Err: perr, Advice: "give the port that the program inside listens on, such as: bailey port 5173"}
	}
	if err != nil {
		return err
	}
	s, err := theOne(running, p)
	if err != nil {
		return err
	}
	if f.remove {
		return removePort(ctx, s, p)
	}
	o, err := s.OpenPort(ctx, p)
	if err != nil {
		return err
	}
	if o.At != p {
		term.Std().Notef("%d is taken on this machine: port %d of session %s is open as %d", p, p, s.ID, o.At)
	}
	if f.asJSON {
		return term.Std().JSON(openPort{s.ID, o, o.URL()})
	}
	term.Std().Printf("%s\n", o.URL())
	return nil
}

func removePort(ctx context.Context, s session.Stored, p policy.Port) error {
	was, err := s.ClosePort(ctx, p)
	if err == nil && !was {
		err = api.Errorf(api.Missing, "port %d of session %s is not open", p, s.ID).WithHint("what is open: bailey port --list")
	}
	if err == nil {
		term.Std().Notef("port %d of session %s: closed", p, s.ID)
	}
	return err
}

// runningHere are the sessions of this project that run, or the one named.
func runningHere(id string) ([]session.Stored, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	root, err := workspace.FindRoot(dir, home.User())
	if err != nil {
		return nil, err
	}
	var here []session.Stored
	for _, s := range running() {
		if id == s.ID || id == "" && s.Root == root {
			here = append(here, s)
		}
	}
	if id != "" && len(here) == 0 {
		return nil, api.Errorf(api.Missing, "no session %q runs", id).WithHint("bailey session list")
	}
	return here, nil
}

// theOne asks for a name where several could be meant.
func theOne(list []session.Stored, p policy.Port) (session.Stored, error) {
	switch len(list) {
	case 0:
		return session.Stored{}, api.Errorf(api.Missing, "no session runs in this project").
			WithHint("to open it in one that starts: bailey agent --port %d -- COMMAND; in all: agent.ports in bailey.yaml", p)
	case 1:
		return list[0], nil
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID+" ("+s.Program+")")
	}
	return session.Stored{}, api.Errorf(api.Invalid, "several sessions run in this project: %s", strings.Join(ids, ", ")).
		WithHint("bailey port --session %s %d", list[0].ID, p)
}

func listPorts(ctx context.Context, running []session.Stored, asJSON bool) error {
	all := []openPort{}
	var failed error
	for _, s := range running {
		ports, err := s.Ports(ctx)
		failed = errors.Join(failed, err)
		for _, o := range ports {
			all = append(all, openPort{s.ID, o, o.URL()})
		}
	}
	if asJSON {
		return errors.Join(term.Std().JSON(all), failed)
	}
	var rows [][]string
	for _, o := range all {
		rows = append(rows, []string{strconv.Itoa(int(o.Port)), o.URL, o.Session})
	}
	term.Std().Table([]string{"port", "open at", "session"}, rows)
	return failed
}

// parsePorts reads the values of a flag.
func parsePorts(texts []string) ([]policy.Port, error) {
	var ports []policy.Port
	for _, text := range texts {
		p, err := policy.ParsePort(text)
		if err != nil {
			return nil, &api.UsageError{Err: fmt.Errorf("--port: %w", err), Advice: "such as --port 5173"}
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// completePorts offers what is open, which is what one closes.
func completePorts(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	here, _ := runningHere("")
	var words []string
	for _, s := range here {
		list, _ := s.Ports(cmd.Context())
		for _, o := range list {
			words = append(words, strconv.Itoa(int(o.Port)))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
