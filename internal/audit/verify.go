package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Report says what Verify saw.
type Report struct {
	Records Seq    // how many records are intact
	Notice  string // something a person should know, such as a torn last line; may be empty
}

// Verify checks every record from the first to the last. Its error wraps
// ErrTampered and says which record and what is wrong with it; the report then
// counts the intact records before it. It needs Unlock, if a failed one.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	keys, broken, pos, err := l.snapshot()
	if err != nil {
		return Report{}, err
	}
	x, err := l.extent()
	if err != nil {
		return Report{}, err
	}
	rep, err := l.verify(ctx, keys, x)
	if err == nil && broken != nil {
		return rep, broken // what the vault knows and the files alone do not show
	}
	if err == nil && rep.Records < pos.Seq {
		err = tampered(rep.Records+1, "is missing: the log ends before it")
	}
	return rep, err
}

// snapshot takes what Verify needs, so that it does not hold up appending.
func (l *Log) snapshot() (keys Keys, broken error, pos Head, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		err = os.ErrClosed
	case l.keys == nil:
		err = ErrLocked
	case l.log == nil || l.head == nil:
		err = l.broken
	default:
		keys = *l.keys
	}
	return keys, l.broken, l.pos, err
}

// verify walks the log as far as it reached; records may be appended meanwhile.
func (l *Log) verify(ctx context.Context, keys Keys, x extent) (Report, error) {
	var clock clock
	end, err := l.walk(Head{Key: keys.Start}, &keys, x, clock.see)
	rep := Report{Records: end.Seq, Notice: clock.notice()}
	if len(end.torn) > 0 {
		rep.Notice = fmt.Sprintf("after record %d stand %d bytes of an unfinished record, as a crash leaves them", end.Seq, len(end.torn))
	}
	return rep, errors.Join(err, ctx.Err())
}

// extent measures the log between two appends, ours included: the lock on the
// file is the open file's, so an append of this very Log would not notice it.
func (l *Log) extent() (extent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lockedExtent()
}

// lockedExtent is extent for callers that hold l.mu.
func (l *Log) lockedExtent() (extent, error) {
	if err := l.lock(); err != nil {
		return extent{}, err
	}
	defer l.unlock()
	return l.measure()
}

func ignore(Record) {}

// clock finds where the machine's clock was set back: the order of records is
// certain, their times are what the clock said.
type clock struct {
	latest time.Time
	first  Seq
	by     time.Duration
	times  int
}

// setBack is more than two clocks of one machine are apart, or a leap second.
const setBack = time.Minute

func (c *clock) see(r Record) {
	if by := c.latest.Sub(r.Time); !c.latest.IsZero() && by > setBack {
		if c.times == 0 {
			c.first, c.by = r.Seq, by
		}
		c.times++
	}
	c.latest = r.Time
}

func (c *clock) notice() string {
	if c.times == 0 {
		return ""
	}
	return fmt.Sprintf("the clock was set back before record %d, by %s (%d times in all): the order of records holds, their times do not",
		c.first, c.by.Round(time.Second), c.times)
}
