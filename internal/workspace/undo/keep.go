package undo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/store"
)

// Budget bounds what one start keeps. What is left out is kept by the next.
type Budget struct {
	Bytes int64
	Files int
	Time  time.Duration
}

// Left is what the budget, or an error, left out.
type Left struct {
	Files int
	Bytes int64
}

// keeper is one run of Keep.
type keeper struct {
	root   *safefs.Root
	store  *store.Store
	budget Budget
	known  map[store.Identity]store.Object
	now    map[store.Identity]store.Object
	added  bool
}

// Keep gives every file of t an object. clean names the object that git has for
// a file, "" if it has none; the store gets the others, small ones first.
func Keep(ctx context.Context, r *safefs.Root, t *capture.Tree, open func() (*store.Store, error), b Budget, clean func(capture.Entry) string) (Left, error) {
	var todo []capture.Entry
	for p, e := range t.Entries {
		if e.Type != 0 || e.Size == 0 {
			continue
		}
		if e.Object = clean(e); e.Object != "" {
			t.Entries[p] = e
			continue
		}
		todo = append(todo, e)
	}
	if len(todo) == 0 {
		return Left{}, nil
	}
	st, err := open()
	if err != nil {
		return Left{}, err
	}
	k := keeper{root: r, store: st, budget: b, known: st.Known(), now: map[store.Identity]store.Object{}}
	slices.SortFunc(todo, func(a, b capture.Entry) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(a.Path, b.Path))
	})
	left := k.all(ctx, t, todo)
	if err := st.Flush(); err != nil {
		return left, err
	}
	if k.added || len(k.now) != len(k.known) {
		return left, st.Remember(k.now)
	}
	return left, nil
}

func (k *keeper) all(ctx context.Context, t *capture.Tree, todo []capture.Entry) (left Left) {
	end := time.Now().Add(k.budget.Time)
	for i, e := range todo {
		if o, ok := k.known[identity(e)]; ok {
			k.store.Know(o)
			e.Object = string(o)
			t.Entries[e.Path], k.now[identity(e)] = e, o
			continue
		}
		over := k.budget.Bytes < e.Size || k.budget.Files == 0
		if i%16 == 0 && (ctx.Err() != nil || time.Now().After(end)) {
			k.budget.Files, over = 0, true
		}
		if over || !k.one(t, e) {
			left.Files++
			left.Bytes += e.Size
		}
	}
	return left
}

func identity(e capture.Entry) store.Identity {
	return store.Identity{Ino: e.Ino, Size: e.Size, Modified: e.Modified, Changed: e.Changed}
}

// one keeps a file. Its description must hold before and after it was read.
func (k *keeper) one(t *capture.Tree, e capture.Entry) bool {
	f, err := k.root.OpenFile(e.Path)
	if err != nil {
		return false
	}
	defer f.Close()
	o, err := k.store.Add(f, e.Size)
	if err != nil {
		return false
	}
	after, ok, err := capture.Look(k.root, e.Path)
	if err != nil || !ok || !after.Untouched(e) {
		return false
	}
	k.budget.Bytes -= e.Size
	k.budget.Files--
	k.added = true
	e.Object = string(o)
	t.Entries[e.Path], k.now[identity(e)] = e, o
	return true
}
