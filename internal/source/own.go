package source

import (
	"context"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
)

// own is a folder of Bailey's own vault, what lies there for everybody.
type own struct {
	w  World
	at Address // environment, folder
}

func (o own) ref() api.Ref {
	return api.Ref{Project: o.w.Project, Environment: o.at.Parts[0], Path: o.at.Parts[1]}
}

// Read lists the folder with references replaced.
func (o own) Read(ctx context.Context) ([]exchange.Item, error) {
	list, err := o.w.Own.ResolvedOwn(ctx, o.ref())
	if err != nil {
		return nil, err
	}
	items := make([]exchange.Item, len(list))
	for i := range list {
		items[i] = exchange.Item{Name: list[i].Key, Value: list[i].Value()}
	}
	return whole(o.at.String(), items)
}

// Write sets values that are what they are. The folder has to be there.
func (o own) Write(ctx context.Context, items []exchange.Item) error {
	wire := make([]api.Item, len(items))
	for i, it := range items {
		wire[i] = api.NewItem(it.Name, it.Value)
	}
	_, err := o.w.Own.Put(ctx, o.ref(), wire)
	return err
}
