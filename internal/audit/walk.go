package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// catchUp reads from l.pos to the end, moving l.pos, and returns the torn
// bytes after the last whole line. The file is locked.
func (l *Log) catchUp(each func(Record)) (torn []byte, err error) {
	x, err := l.measure()
	if err != nil {
		return nil, err
	}
	end, err := l.walk(l.pos, l.keys, x, each)
	l.pos = end.Head
	return end.torn, err
}

type ending struct {
	Head
	torn []byte
}

// extent is how far the log reaches at one moment.
type extent struct {
	known Head // what the head file says
	size  int64
}

// measure must be called with the file locked, so that no half-written line is
// taken for a torn one.
func (l *Log) measure() (extent, error) {
	known, err := l.readHead()
	if err != nil {
		return extent{}, err
	}
	size, err := l.present()
	return extent{known.head, size}, err
}

// present returns the size of the log, which must still be the file that was
// opened: a copy put in its place would not get what is appended here.
func (l *Log) present() (int64, error) {
	st, err := l.log.Stat()
	if err != nil {
		return 0, err
	}
	here, err := os.Stat(l.path(logName))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s is gone", ErrTampered, l.path(logName))
	} else if err != nil {
		return 0, err
	}
	if !os.SameFile(here, st) {
		return 0, fmt.Errorf("%w: %s was replaced while in use", ErrTampered, l.path(logName))
	}
	return st.Size(), nil
}

// walk decodes every line after from. It fails at the first that does not
// belong, and when the log ends before the synced head or before from.
func (l *Log) walk(from Head, keys *Keys, x extent, each func(Record)) (ending, error) {
	end := ending{Head: from}
	if err := l.anchored(from, x.size); err != nil {
		return end, err
	}
	src := bufio.NewReaderSize(io.NewSectionReader(l.log, from.Offset, x.size-from.Offset), 64<<10)
	for {
		line, err := readLine(src)
		if errors.Is(err, io.EOF) {
			end.torn = line
			break
		} else if err != nil {
			return end, fmt.Errorf("reading %s: %w", l.path(logName), err)
		}
		r, h, err := decode(end.Head, keys, line)
		if err != nil {
			return end, err
		}
		end.Head = h
		if h.Seq == x.known.Seq && h != x.known {
			return end, tampered(h.Seq, "is not the one that "+headName+" knows")
		}
		each(r)
	}
	if end.Seq < x.known.Seq {
		return end, tampered(end.Seq+1, fmt.Sprintf("is missing: the log ends before it, %s knows %d records", headName, x.known.Seq))
	}
	return end, nil
}

// anchored checks that the record that ends at h is the one h knows.
func (l *Log) anchored(h Head, size int64) error {
	if size < h.Offset {
		return fmt.Errorf("%w: the log ends before record %d, which was there", ErrTampered, h.Seq)
	}
	if h.Seq == 0 {
		return nil
	}
	b := make([]byte, tailLen)
	if _, err := l.log.ReadAt(b, h.Offset-int64(tailLen)); err != nil {
		return fmt.Errorf("reading %s: %w", l.path(logName), err)
	}
	if !bytes.Equal(b, fmt.Appendf(nil, "%s%x%s", tailOpen, h.MAC, tailEnd)) {
		return tampered(h.Seq, "is not the one that was there")
	}
	return nil
}

// readLine returns the next line with its newline, or what is left with io.EOF.
// A line over maxLine is returned cut: decode refuses it.
func readLine(src *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := src.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
