package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/why"
	"github.com/bailey-project/bailey/internal/workspace"
)

type whyFlags struct {
	session, command, kind string
	asJSON                 bool
}

func newWhy() *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use:   "why PATH|HOST|SYSCALL",
		Short: "Say whether a sandbox may reach something, which rule says so, and what would change it",
		Long: "Answers for the session that runs in this project, else for one that would start here now;\n" +
			"inside a session, for that session. A path is named as a program inside names it.",
		Example: "  bailey why api.stripe.com\n  bailey why ~/.ssh/id_ed25519\n  bailey why .env\n  bailey why io_uring_setup\n  bailey why --for claude ~/.claude/settings.json",
		Args:    exactly("PATH, HOST or SYSCALL"),
		RunE:    func(cmd *cobra.Command, args []string) error { return explainWhy(cmd.Context(), f, args[0]) },
	}
	cmd.Flags().StringVar(&f.session, "session", "", "ask this running `session`")
	cmd.Flags().StringVar(&f.command, "for", "", "a session of this `command` that would start now")
	cmd.Flags().StringVar(&f.kind, "as", "", "take it for a `kind`: path, host or syscall")
	cmd.Annotations = map[string]string{inside: "reads only the session's own map"}
	jsonFlag(cmd, &f.asJSON)
	_ = cmd.RegisterFlagCompletionFunc("as", fixed(string(why.Path), string(why.Host), string(why.Syscall)))
	_ = cmd.RegisterFlagCompletionFunc("session", completeSessions)
	return cmd
}

func explainWhy(ctx context.Context, f whyFlags, subject string) error {
	path, err := absolute(subject)
	if err != nil {
		return err
	}
	kind := why.Kind(f.kind)
	if f.kind == "" {
		_, err := os.Lstat(path)
		kind = why.Guess(subject, err == nil)
	}
	m, err := chartFor(ctx, f)
	if err != nil {
		return err
	}
	var a why.Answer
	switch kind {
	case why.Path:
		a = m.Path(path)
	case why.Syscall:
		a = m.Call(subject)
	case why.Host:
		if a, err = m.Host(subject); err != nil {
			return api.Usagef("%s", err)
		}
		if os.Getenv(session.Variable) != "" {
			a = since(ctx, a)
		}
	default:
		return api.Usagef("--as is path, host or syscall")
	}
	if f.asJSON {
		return term.Std().JSON(a)
	}
	printAnswer(a)
	return nil
}

// absolute is subject as a path; "~" is the user's home.
func absolute(subject string) (string, error) {
	if rest, ok := strings.CutPrefix(subject, "~/"); ok || subject == "~" {
		return filepath.Join(home.User(), rest), nil
	}
	path, err := filepath.Abs(subject)
	if err != nil {
		return "", err
	}
	// The workspace has its real path inside; what may not exist keeps its name.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil && !filepath.IsAbs(subject) {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return path, nil
}

// chartFor finds the session that the question is about.
func chartFor(ctx context.Context, f whyFlags) (*why.Map, error) {
	if os.Getenv(session.Variable) != "" {
		return session.Inside()
	}
	if f.session != "" {
		s, err := session.Find(f.session)
		if err != nil {
			return nil, err
		}
		return s.Map(ctx)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if f.command == "" {
		if root, err := workspace.FindRoot(dir, home.User()); err == nil {
			for _, s := range running() {
				if s.Root == root {
					return s.Map(ctx)
				}
			}
		}
		f.command = "sh"
	}
	return session.Plan(ctx, session.Options{Args: []string{f.command}, Dir: dir, Env: os.Environ()})
}

// lookupTime bounds the question to the gateway.
const lookupTime = 5 * time.Second

// since corrects an answer inside a session by what the gateway says now: a
// name that no rule opens is not found, and rules may have changed.
func since(ctx context.Context, a why.Answer) why.Answer {
	name, _, err := net.SplitHostPort(a.Subject)
	if err != nil {
		name = a.Subject
	}
	if a.Decision == "private" || strings.Contains(name, "*") {
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	_, err = net.DefaultResolver.LookupHost(ctx, name)
	switch open := err == nil; {
	case open && a.Decision == "denied":
		a.Decision, a.Rule, a.Reason, a.Change = "allowed", "", "it was opened since the session started", ""
	case !open && a.Decision == "allowed":
		a.Decision, a.Rule, a.Reason, a.Change = "denied", "", "it was closed since the session started", "ask the person who started the session"
	}
	return a
}

func printAnswer(a why.Answer) {
	rows := [][]string{}
	for _, r := range [][]string{{string(a.Kind), a.Subject}, {"decision", a.Decision}, {"because", a.Reason}, {"rule", a.Rule}, {"layer", a.Layer},
		{"to change it", a.Change}, {"session", a.Session}} {
		if r[1] != "" {
			rows = append(rows, r)
		}
	}
	term.Std().Table([]string{"what", "answer"}, rows)
}
