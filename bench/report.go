package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// row is a line of the report.
type row struct {
	what, against string
	measured      string
	ratio         float64 // 0: no ratio
	target        string
	verdict       string
	err           error
}

// judge sets target and verdict; without a target the row is for information.
func (r *row) judge(met bool, target float64, text string) {
	if target == 0 {
		return
	}
	r.target, r.verdict = text, "met"
	if !met {
		r.verdict = "MISSED"
	}
}

func ratio(a, b *start, target float64) row {
	r := pair(a, b)
	if r.err == nil {
		r.ratio = float64(a.median()) / float64(b.median())
		r.judge(r.ratio <= target, target, fmt.Sprintf("≤ %.0f ×", target))
	}
	return r
}

func difference(a, b *start, target time.Duration) row {
	r := pair(a, b)
	if r.err == nil {
		over := a.median() - b.median()
		r.ratio = float64(a.median()) / float64(b.median())
		r.judge(over <= target, float64(target), fmt.Sprintf("≤ %s over it", target))
	}
	return r
}

func absolute(a *start, target time.Duration) row {
	r := row{what: a.name, err: a.err, measured: milliseconds(a.median())}
	r.judge(a.median() <= target, float64(target), fmt.Sprintf("≤ %s", target))
	return r
}

func pair(a, b *start) row {
	r := row{what: a.name, against: b.name, err: a.err}
	if r.err == nil {
		r.err = b.err
	}
	r.measured = milliseconds(a.median()) + " : " + milliseconds(b.median())
	return r
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
}

func report(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measured\tagainst\ttime\tratio\ttarget\tverdict")
	missed, unmeasured := 0, 0
	for _, r := range rows {
		if r.err != nil {
			unmeasured++
			fmt.Fprintf(w, "%s\t%s\tnot measured: %v\n", r.what, r.against, r.err)
			continue
		}
		if r.verdict == "MISSED" {
			missed++
		}
		ratio := ""
		if r.ratio != 0 {
			ratio = fmt.Sprintf("%.2f ×", r.ratio)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.against, r.measured, ratio, r.target, r.verdict)
	}
	_ = w.Flush() // a closed terminal shows nothing anyway
	fmt.Fprintf(out, "\n%d targets missed, %d rows not measured\n", missed, unmeasured)
}
