//go:build !linux

package guard

import (
	"context"
	"errors"
)

// Watch needs inotify.
func (g *Guard) Watch(context.Context, func(Found)) error {
	return errors.New("watching a project is not supported on this system")
}

// Below watches nothing.
func (g *Guard) Below(context.Context, func(Found)) {}

type deep struct{}

func (g *Guard) tryDeepen() {}

func (g *Guard) endDeep() []Found { return nil }
