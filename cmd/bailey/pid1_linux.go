package main

import (
	"os"

	"github.com/bailey-project/bailey/internal/probe/entry"
	"github.com/bailey-project/bailey/internal/sandbox"
)

func pid1() { sandbox.PID1() }

// attack is what bailey doctor --attack starts, both sides of it.
func attack() { os.Exit(entry.Main(os.Args[2:])) }
