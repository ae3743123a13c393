package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	values := []time.Duration{9, 1, 5}
	if got := median(values); got != 5 {
		t.Errorf("median is %d, want 5", got)
	}
	if values[0] != 9 {
		t.Error("median changed the order of its argument")
	}
	if got := median([]float64(nil)); got != 0 {
		t.Errorf("median of nothing is %v", got)
	}
}

func TestReportSaysWhatIsMissedAndWhatIsNotMeasured(t *testing.T) {
	fast := &start{name: "fast", times: []time.Duration{2 * time.Millisecond}}
	slow := &start{name: "slow", times: []time.Duration{20 * time.Millisecond}}
	broken := &start{name: "broken", err: errors.New("not here")}
	var out bytes.Buffer
	report(&out, []row{
		ratio(slow, fast, 3), ratio(slow, fast, 10), ratio(slow, fast, 0),
		difference(slow, fast, 10*time.Millisecond), absolute(fast, 6*time.Millisecond), ratio(broken, fast, 3),
	})
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"target", "MISSED", "met", "10.00 ×", "MISSED", "met", "not measured: not here", "", "2 targets missed, 1 rows not measured"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want %q in it", i, lines[i], want)
		}
	}
	if strings.Contains(lines[3], "met") {
		t.Errorf("a row without target is judged: %q", lines[3])
	}
}
