package main

import "github.com/bailey-project/bailey/internal/sandbox"

func pid1() { sandbox.PID1() }
