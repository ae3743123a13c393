package main

import (
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

func pid1() { sandbox.PID1(sandbox.NameRules{Refused: workspace.Refused, Loose: workspace.Loose}) }
