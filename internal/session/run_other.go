//go:build !linux

package session

import (
	"context"
	"io/fs"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

// run refuses: see sandbox.Start.
func (s *Session) run(ctx context.Context) (int, error) {
	s.discard()
	_, err := sandbox.Start(ctx, sandbox.Spec{})
	return 0, err
}

func (s *Session) found(workspace.Found) {}

// untouched is never asked: nothing runs.
func untouched(string, string, fs.FileMode, map[string]bool) bool { return false }

func (s *Session) findLimits() error { return nil }

func (s *Session) explain(*limit.Breach) {}
