package audit

import (
	"strings"
	"testing"
	"time"
)

func TestClockSetBackIsSaid(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c clock
	for i, d := range []time.Duration{0, time.Second, -30 * time.Second, time.Hour, -time.Hour, 0, -2 * time.Hour} {
		at = at.Add(d)
		c.see(Record{Seq: Seq(i + 1), Event: Event{Time: at}})
	}
	if n := c.notice(); !strings.Contains(n, "before record 5, by 1h0m0s (2 times") {
		t.Error(n)
	}
	if n := new(clock).notice(); n != "" {
		t.Error(n)
	}
}
