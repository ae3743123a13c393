package cli

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
)

// joinProject asks before a repository gets the secrets of a project that is
// in the vault already. Naming it with --project is consent; --yes is not,
// since the name comes from the repository.
func (i *initialising) joinProject() error {
	if i.project != "" {
		return nil
	}
	refusal := api.Errorf(api.Denied, "project %s is in the vault already, and was not set up for this repository", i.name).
		WithHint("when that is right: bailey init --project %s", i.name)
	if i.yes || !i.t.CanAsk() {
		return refusal
	}
	yes, err := i.t.Confirm("Project "+i.name+" is in the vault already. Give this repository its secrets?", false)
	if err == nil && !yes {
		return refusal
	}
	return err
}

// agreeToRemove asks whether the files may go. Everything is sealed and was
// read back by now, so that the answer can be tried out first.
func (i *initialising) agreeToRemove(ctx context.Context) (bool, error) {
	remove, _ := i.plan.Removes()
	if len(remove) == 0 || i.yes {
		return len(remove) > 0, nil
	}
	i.t.Notef("%s sealed in the vault and read back", plural(i.plan.Survey.Values(), "value"))
	command := i.plan.Survey.TestCommand
	question := "Remove " + strings.Join(remove, ", ") + "? [Y/n] "
	if command != nil {
		question = "Remove " + strings.Join(remove, ", ") + "? [Y]es, [n]o, [t]ry \"" + strings.Join(command, " ") + "\" with the values from the vault first: "
	}
	for {
		answer, err := i.t.Ask(question)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "t", "try":
			if command != nil {
				i.try(ctx, command)
			}
		}
	}
}

// try runs the project's own command with what the vault gives.
func (i *initialising) try(ctx context.Context, command []string) {
	list, err := i.client.Resolved(ctx, api.Ref{Project: i.name, Environment: development, Path: "/"}, false)
	if err != nil {
		i.t.Error(err)
		return
	}
	vars := make([]variable, 0, len(list))
	for j := range list {
		vars = append(vars, variable{name: string(list[j].Key), value: list[j].Value(), source: "vault"})
	}
	if m, err := manifest.Load(i.root.Path()); err == nil {
		for name, value := range m.Public {
			vars = append(vars, variable{name: name, value: secret.NewValue([]byte(value)), source: "public"})
		}
	}
	env, err := environ(os.Environ(), vars)
	if err != nil {
		i.t.Error(err)
		return
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = i.root.Path(), env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		i.t.Notef("%s: %s", strings.Join(command, " "), err)
		return
	}
	i.t.Notef("%s: fine", strings.Join(command, " "))
}
