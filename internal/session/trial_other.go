//go:build !linux

package session

import (
	"context"

	"github.com/bailey-project/bailey/internal/sandbox"
)

// Try refuses: see sandbox.Launch.
func Try(context.Context, []string, string) (string, sandbox.Regime, error) {
	_, err := sandbox.Launch(sandbox.Base{})
	return "", sandbox.Regime{}, err
}
