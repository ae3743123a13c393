package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	logName  = "audit.log"
	headName = "audit.head"
	syncTime = 40 * time.Millisecond // with the sync itself: on disk within 50 ms
	maxField = 1024                  // bytes of one text in an event
)

// Log is an open audit log. It is safe for concurrent use, also by several
// processes on the same directory: whoever writes holds a lock on the file and
// first reads what others have added.
type Log struct {
	dir string

	mu     sync.Mutex
	log    *os.File // nil until the log has begun
	head   *os.File
	keys   *Keys // nil while locked
	pos    Head  // as far as this process has read or written
	synced Seq   // on disk up to here, as far as this process knows
	broken error // what Open found; every use but Unlock and Verify returns it
	timer  *time.Timer
	closed bool

	flushing sync.Mutex // one flush at a time, appends go on meanwhile
	// heads guards the lock on the head file: flock(2) belongs to the open
	// file, so a reader here would turn this very Log's exclusive lock into a
	// shared one and then give it up.
	heads sync.Mutex
}

// Open opens the log in dir ($BAILEY_HOME/audit) and creates the directory
// (0700) when it is missing. A log begins with its vault: before the first
// Unlock, Append returns ErrLocked. What is wrong with a damaged log is said by
// Unlock, Append and Verify, so that a damaged log can still be looked at.
func Open(dir string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &Log{dir: dir}
	if err := l.open(); err != nil && !errors.Is(err, ErrTampered) {
		l.closeFiles()
		return nil, err
	} else if err != nil {
		l.broken = err
	}
	return l, nil
}

func (l *Log) open() error {
	head, herr := os.OpenFile(l.path(headName), os.O_RDWR, 0)
	if herr != nil && !errors.Is(herr, fs.ErrNotExist) {
		return herr
	}
	l.head = head
	log, lerr := os.OpenFile(l.path(logName), os.O_RDWR|os.O_APPEND, 0)
	if lerr != nil && !errors.Is(lerr, fs.ErrNotExist) {
		return lerr
	}
	l.log = log
	switch {
	case herr != nil && lerr != nil:
		return nil // not begun
	case herr != nil:
		return fmt.Errorf("%w: %s is missing", ErrTampered, l.path(headName))
	}
	return l.load()
}

// load finds the end of the log from the head file on.
func (l *Log) load() error {
	s, err := l.readHead()
	if err != nil {
		return err
	}
	l.pos, l.synced = s.head, s.head.Seq
	if l.log == nil && s.head.Seq == 0 { // a crash came between the two files
		if l.log, err = createLog(l.path(logName)); err != nil {
			return err
		}
	}
	if l.log == nil {
		return fmt.Errorf("%w: %s is missing, it had %d records", ErrTampered, l.path(logName), s.head.Seq)
	}
	if err := l.lock(); err != nil {
		return err
	}
	defer l.unlock()
	_, err = l.catchUp(ignore)
	return err
}

func (l *Log) readHead() (slot, error) {
	l.heads.Lock()
	defer l.heads.Unlock()
	if err := flock(l.head, syscall.LOCK_SH); err != nil {
		return slot{}, err
	}
	defer flock(l.head, syscall.LOCK_UN)
	s, err := readHead(l.head)
	if errors.Is(err, errNoSlot) {
		err = fmt.Errorf("%w: %s is damaged", ErrTampered, l.path(headName))
	}
	return s, err
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }
func (l *Log) lock() error             { return flock(l.log, syscall.LOCK_EX) }
func (l *Log) unlock()                 { _ = flock(l.log, syscall.LOCK_UN) }

// Append records e and returns once it is written; it is on disk within 50 ms.
// For reads.
func (l *Log) Append(ctx context.Context, e Event) (Seq, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(e)
}

// AppendSync records e and returns once it is on disk. For writes and unlocks,
// before they happen.
func (l *Log) AppendSync(ctx context.Context, e Event) (Seq, error) {
	seq, err := l.Append(ctx, e)
	if err != nil {
		return 0, err
	}
	return seq, l.syncTo(seq)
}

// append writes one record; l.mu is held.
func (l *Log) append(e Event) (Seq, error) {
	if err := l.ready(); err != nil {
		return 0, err
	}
	if err := l.lock(); err != nil {
		return 0, err
	}
	defer l.unlock()
	if err := l.reach(); errors.Is(err, ErrTampered) {
		return 0, l.fail(err)
	} else if err != nil {
		return 0, err
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	return l.write(clip(e))
}

func (l *Log) ready() error {
	switch {
	case l.closed:
		return fs.ErrClosed
	case l.broken != nil:
		return l.broken
	case l.log == nil:
		return fmt.Errorf("%w: it begins when its vault is unlocked first", ErrLocked)
	}
	return nil
}

// write appends one line; the file is locked and l.pos is its end.
func (l *Log) write(e Event) (Seq, error) {
	line, head, err := encode(l.pos, l.keys, Record{Event: e})
	if err != nil {
		return 0, err
	}
	if n, err := l.log.Write(line); err != nil {
		if n > 0 { // disk full: take the half line back, nobody was told of it
			_ = l.log.Truncate(l.pos.Offset)
		}
		return 0, fmt.Errorf("writing %s: %w", l.path(logName), err)
	}
	l.pos = head
	if l.timer == nil {
		l.timer = time.AfterFunc(syncTime, func() { _ = l.flush() })
	}
	return head.Seq, nil
}

// Head returns the end of the log after everything before it is on disk. It is
// zero for a log that has not begun.
func (l *Log) Head(ctx context.Context) (Head, error) {
	l.mu.Lock()
	err, pos := l.ready(), l.pos
	begun := l.log != nil
	l.mu.Unlock()
	if !begun && errors.Is(err, ErrLocked) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, err
	}
	return pos, l.syncTo(pos.Seq)
}

// syncTo returns once record seq is on disk.
func (l *Log) syncTo(seq Seq) error {
	l.mu.Lock()
	done, last, f := l.synced >= seq, l.pos.Seq, l.log
	l.mu.Unlock()
	if done {
		return nil
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", l.path(logName), err)
	}
	l.mu.Lock()
	l.synced = max(l.synced, last)
	l.mu.Unlock()
	return nil
}

// flush brings log and head file up to date on disk.
func (l *Log) flush() error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	pos, skip := l.pos, l.log == nil || l.closed || l.broken != nil
	l.timer = nil
	l.mu.Unlock()
	if skip {
		return nil
	}
	if err := l.syncTo(pos.Seq); err != nil {
		return err
	}
	l.heads.Lock()
	err := writeHead(l.head, pos)
	l.heads.Unlock()
	if errors.Is(err, errNoSlot) {
		l.mu.Lock()
		err = l.fail(fmt.Errorf("%w: %s is damaged", ErrTampered, l.path(headName)))
		l.mu.Unlock()
	}
	return err
}

// Close syncs and closes the log. It forgets the keys.
func (l *Log) Close() error {
	err := l.flush()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.keys != nil {
		*l.keys = Keys{}
		l.keys = nil
	}
	l.pos.Key = [32]byte{}
	l.closeFiles()
	return err
}

func (l *Log) closeFiles() {
	for _, f := range []*os.File{l.log, l.head} {
		if f != nil {
			f.Close()
		}
	}
}

// clip keeps a record far below maxLine, so that one that is written can
// always be read.
func clip(e Event) Event {
	for _, s := range []*string{&e.Actor, &e.Session, &e.Action, &e.Project, &e.Environment,
		&e.Path, &e.Name, &e.Host, &e.State, &e.Outcome, &e.Detail} {
		if len(*s) > maxField {
			n := maxField
			for n > 0 && !utf8.RuneStart((*s)[n]) {
				n--
			}
			*s = (*s)[:n] + "…"
		}
	}
	e.Time = e.Time.UTC()
	return e
}
