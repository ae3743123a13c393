package server

import (
	"testing"
	"time"
)

// A clock that is set back by a day must not keep the vault open for a day more.
func TestIdleWhenTheClockIsSetBack(t *testing.T) {
	s := New(Options{})
	s.started = s.started.Add(-9 * time.Hour) // nine hours by the clock that cannot be set
	if idle := s.IdleFor(); idle < 9*time.Hour {
		t.Errorf("idle for %s after nine hours", idle)
	}
	s.seen()
	s.lastSeen.Store(time.Now().Add(24 * time.Hour).UnixNano()) // seen before the clock was set back
	s.started = s.started.Add(-9 * time.Hour)
	if idle := s.IdleFor(); idle < 9*time.Hour {
		t.Errorf("idle for %s after nine hours and a clock set back", idle)
	}
	s.seen()
	s.lastSeen.Store(time.Now().Add(-10 * time.Hour).UnixNano()) // the laptop slept, and so did that clock
	if idle := s.IdleFor(); idle < 10*time.Hour {
		t.Errorf("idle for %s after ten hours of sleep", idle)
	}
}
