package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Unlock hands in the vault's keys and the head that rests sealed in the vault
// (zero for a new vault), and verifies every record after that head. It returns
// those records. When anything does not fit, the error wraps ErrTampered and
// names the first record that is wrong; Verify then works, appending does not.
func (l *Log) Unlock(ctx context.Context, k Keys, from Head) ([]Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, os.ErrClosed
	}
	l.keys = &k
	if l.broken != nil {
		return nil, l.explain(ctx, l.broken)
	}
	if l.log == nil {
		if from.Seq != 0 {
			return nil, l.fail(fmt.Errorf("%w: %s is missing, the vault knows %d records of it",
				ErrTampered, l.path(logName), from.Seq))
		}
		if err := l.begin(); err != nil {
			return nil, err
		}
	}
	tail, err := l.unlockFrom(from)
	if errors.Is(err, ErrTampered) {
		return nil, l.fail(l.explain(ctx, err))
	}
	return tail, err
}

func (l *Log) fail(err error) error {
	l.broken = err
	return err
}

// explain prefers the error of a whole verification, which names the first
// wrong record, to one that only knows the end of the log.
func (l *Log) explain(ctx context.Context, err error) error {
	if l.log == nil || l.head == nil {
		return err
	}
	x, verr := l.lockedExtent()
	if verr == nil {
		_, verr = l.verify(ctx, *l.keys, x)
	}
	if errors.Is(verr, ErrTampered) {
		return verr
	}
	return err
}

// begin makes the two files of a new log.
func (l *Log) begin() (err error) {
	first := Head{Key: l.keys.Start}
	if l.head, err = createHead(l.path(headName), first); err != nil {
		return err
	}
	if l.log, err = createLog(l.path(logName)); err != nil {
		return err
	}
	l.pos = first
	d, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func createLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
}

func (l *Log) unlockFrom(from Head) ([]Record, error) {
	if err := l.lock(); err != nil {
		return nil, err
	}
	defer l.unlock()
	if from.Seq == 0 {
		from.Key = l.keys.Start
	}
	seen := l.pos
	l.pos = from
	var tail []Record
	if _, err := l.catchUp(func(r Record) { tail = append(tail, r) }); err != nil {
		return nil, err
	}
	if l.pos.Seq < seen.Seq || l.pos.Seq == seen.Seq && l.pos != seen {
		return nil, fmt.Errorf("%w: records up to %d are not those that the vault knows", ErrTampered, from.Seq)
	}
	return tail, nil
}

// reach makes sure, with the file locked, that l.pos is its end: it reads what
// other processes wrote and puts a torn last line aside.
func (l *Log) reach() error {
	size, err := l.present()
	if err != nil || size == l.pos.Offset {
		return err
	}
	torn, err := l.catchUp(ignore)
	if err != nil || len(torn) == 0 {
		return err
	}
	return l.putAside(torn)
}

// putAside moves the torn line that a crash left into a file of its own. It
// was never acknowledged: the head file does not know it.
func (l *Log) putAside(torn []byte) error {
	name := fmt.Sprintf("torn-after-%d", l.pos.Seq)
	f, err := os.OpenFile(l.path(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(torn)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := l.log.Truncate(l.pos.Offset); err != nil {
		return err
	}
	_, err = l.write(clip(Event{Action: "audit.repair", Outcome: OutcomeDone,
		Detail: fmt.Sprintf("a crash left %d bytes of an unfinished record, now in %s", len(torn), name)}))
	return err
}
