package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// verdict is the last column.
type verdict string

const (
	ok       verdict = "ok"
	failed   verdict = "FAILED"
	notTried verdict = "not tried"
)

// result is a row of the table that is printed.
type result struct {
	section string
	tried   string
	without string // "" where there is nothing to compare with
	with    string
	verdict verdict
}

// Bounds of the columns: the headings fit, and what is longer is cut, and of
// a failed row repeated below the table in full.
const (
	narrowest = len("without Bailey")
	widest    = 51
)

// write prints the table, and whether every row is as it must be.
func write(out io.Writer, table []result) bool {
	tried, without, with := widths(table)
	counts := map[verdict]int{}
	section := ""
	for _, r := range table {
		counts[r.verdict]++
		if r.section != section {
			section = r.section
			head := ""
			if r.without != "" {
				head = "without Bailey"
			}
			fmt.Fprintf(out, "\n%s  %s  %s\n", pad(strings.ToUpper(section), tried), pad(head, without), "with Bailey")
		}
		fmt.Fprintf(out, "%s  %s  %s  %s\n", pad(r.tried, tried), pad(r.without, without), pad(r.with, with), r.verdict)
	}
	if counts[failed] > 0 {
		fmt.Fprintln(out)
		explain(out, table)
	}
	fmt.Fprintf(out, "\n%d rows: %d as they must be, %d failed, %d not tried\n",
		len(table), counts[ok], counts[failed], counts[notTried])
	return counts[failed] == 0
}

// explain repeats what failed, each reason once.
func explain(out io.Writer, table []result) {
	said := map[string]bool{}
	for _, r := range table {
		if r.verdict == failed && !said[r.with] {
			said[r.with] = true
			fmt.Fprintf(out, "FAILED: %s: %s: %s\n", r.section, r.tried, r.with)
		}
	}
}

func widths(table []result) (tried, without, with int) {
	tried, without, with = narrowest, narrowest, narrowest
	for _, r := range table {
		tried = max(tried, utf8.RuneCountInString(r.tried))
		without = max(without, utf8.RuneCountInString(r.without))
		with = max(with, utf8.RuneCountInString(r.with))
	}
	return min(tried, widest), min(without, widest), min(with, widest)
}

// pad makes s exactly width runes wide.
func pad(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s + strings.Repeat(" ", width-n)
	}
	return string([]rune(s)[:width-3]) + "..."
}
