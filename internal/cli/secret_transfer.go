package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/term"
)

// transfer is what the flags of secret transfer ask for.
type transfer struct {
	project    string
	write      bool
	asJSON     bool
	keys, to   []string
	acceptKeys bool
}

func newSecretTransfer() *cobra.Command {
	var x transfer
	cmd := &cobra.Command{
		Use: "transfer FROM TO", Short: "Take values from any place to any other: vaults, servers, files", Args: exactly("FROM", "TO"),
		Long: "Show what would change in TO if it had the values of FROM; with --write change it, then read\n" +
			"every value back and compare. Names that only TO has stay. Tokens come from the environment, see\n" +
			"\"bailey help sources\". A place is one of\n" + source.Forms,
		Example: "  bailey secret transfer dotenv:.env.staging bailey:staging\n" +
			"  bailey secret transfer bailey:production vault://bao.example/secret/shop/production --write",
	}
	f := cmd.Flags()
	f.StringVar(&x.project, "project", "", "`project` of bailey: places (default: the one of bailey.yaml)")
	f.BoolVar(&x.write, "write", false, "change TO, then read it back")
	recipientFlag(cmd, &x.to)
	identityFlag(cmd, &x.keys)
	acceptFlag(cmd, &x.acceptKeys)
	jsonFlag(cmd, &x.asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return x.run(cmd.Context(), args[0], args[1]) }
	return cmd
}

func (x transfer) run(ctx context.Context, fromArg, toArg string) error {
	var ends [2]source.Address
	for i, arg := range []string{fromArg, toArg} {
		a, err := source.Parse(arg)
		if err != nil {
			return api.Usagef("%s: %s", arg, err)
		}
		if a.Kind == source.Bailey {
			a.Parts[0] = environmentName(a.Parts[0])
			if a.Parts[0] == production {
				term.Std().Notef("environment production")
			}
		}
		ends[i] = a
	}
	w, err := x.world(ctx, ends)
	if err != nil {
		return err
	}
	from, err := w.Open(ends[0])
	if err != nil {
		return err
	}
	end, err := w.Open(ends[1])
	if err != nil {
		return err
	}
	to, ok := end.(source.Writer)
	if !ok {
		return api.Usagef("%s: a place of that kind can only be read", toArg)
	}
	return x.between(ctx, from, to, ends[1])
}

// world finds the project that the places belong to; none is needed when
// neither place is in the vault and both say where they are.
func (x transfer) world(ctx context.Context, ends [2]source.Address) (source.World, error) {
	p, err := (&where{project: x.project, environment: development}).find()
	var client *api.Client
	if ends[0].Kind == source.Bailey || ends[1].Kind == source.Bailey {
		if err != nil {
			return source.World{}, err
		}
		if client, err = existing(); err != nil {
			return source.World{}, err
		}
		if err := x.prepare(ctx, client, p, ends); err != nil {
			return source.World{}, err
		}
	}
	return writingWorld(client, p, x.keys, x.to, x.acceptKeys)
}

// prepare brings a copy up to date that is read, refuses one that would be
// written, and makes the folder.
func (x transfer) prepare(ctx context.Context, client *api.Client, p place, ends [2]source.Address) error {
	at := func(a source.Address) place {
		q := p
		q.Environment, q.Folder = a.Parts[0], a.Parts[1]
		return q
	}
	if ends[0].Kind == source.Bailey && !livesAt(at(ends[0]), ends[1]) {
		if err := fresh(ctx, client, at(ends[0]), false); err != nil {
			return err
		}
	}
	if ends[1].Kind != source.Bailey {
		return nil
	}
	to := at(ends[1])
	if err := changeable(to); err != nil || !x.write {
		return err
	}
	return explainMissing(adoption.MakeFolder(ctx, client, to.ref()), to)
}

// livesAt says whether to is where p lives: what the vault has of its own is
// being taken there, and must not be held against it.
func livesAt(p place, to source.Address) bool {
	at, err := source.Parse(elsewhere(p))
	if err == nil {
		at, err = at.In(p.Folder)
	}
	return err == nil && at.String() == to.String()
}

// step is what a transfer does with one name.
type step struct {
	Name   secret.Name `json:"name"`
	Change string      `json:"change"` // new, changed, same
}

func (x transfer) between(ctx context.Context, from source.Source, to source.Writer, address source.Address) error {
	items, err := from.Read(ctx)
	if err != nil {
		return err
	}
	have, err := to.Read(ctx)
	if err != nil && !api.IsCode(err, api.Missing) {
		return err
	}
	steps, changes := plan(items, have)
	if err := x.show(steps); err != nil {
		return err
	}
	t := term.Std()
	switch {
	case len(changes) == 0:
		t.Notef("%s has every value already", address)
		return nil
	case !x.write:
		t.Notef("nothing is written yet")
		t.Hintf("to write %s: the same with --write", plural(len(changes), "value"))
		return nil
	}
	if err := to.Write(ctx, changes); err != nil {
		return err
	}
	if err := verify(ctx, to, changes, address); err != nil {
		return err
	}
	t.Notef("%s written to %s and read back", plural(len(changes), "value"), address)
	return nil
}

// plan compares what is wanted with what is there.
func plan(items, have []exchange.Item) (steps []step, changes []exchange.Item) {
	steps = []step{}
	there := map[secret.Name]secret.Value{}
	for _, it := range have {
		there[it.Name] = it.Value
	}
	for _, it := range items {
		s := step{it.Name, "new"}
		if v, ok := there[it.Name]; ok {
			s.Change = "changed"
			if v.Equal(it.Value) {
				s.Change = "same"
			}
		}
		if s.Change != "same" {
			changes = append(changes, it)
		}
		steps = append(steps, s)
	}
	return steps, changes
}

func (x transfer) show(steps []step) error {
	if x.asJSON {
		return term.Std().JSON(steps)
	}
	rows := make([][]string, len(steps))
	for i, s := range steps {
		rows[i] = []string{string(s.Name), s.Change}
	}
	term.Std().Table([]string{"name", "there"}, rows)
	return nil
}

// verify reads back what was written: a place may cut, trim or expand values.
func verify(ctx context.Context, to source.Source, want []exchange.Item, address source.Address) error {
	have, err := to.Read(ctx)
	if err != nil {
		return api.Errorf(api.CodeOf(err), "reading %s back: %s", address, err)
	}
	if _, differ := plan(want, have); len(differ) > 0 {
		names := make([]secret.Name, len(differ))
		for i, it := range differ {
			names[i] = it.Name
		}
		return api.Errorf(api.Invalid, "%s gives back other values than were written: %s", address, namesOf(names)).
			WithHint("keep these where they came from until they are right there")
	}
	return nil
}

// namesOf joins names for a message.
func namesOf(names []secret.Name) string {
	text := ""
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += string(n)
	}
	return text
}
