package main

import (
	"os"

	"github.com/bailey-project/bailey/internal/probe/entry"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

func pid1() { sandbox.PID1(sandbox.NameRules{Refused: workspace.Refused, Loose: workspace.Loose}) }

// attack is what bailey doctor --attack starts, both sides of it.
func attack() { os.Exit(entry.Main(os.Args[2:])) }
