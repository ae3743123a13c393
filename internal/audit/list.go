package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
)

// List returns the records that match f, oldest first. It does not verify
// them, so that it works on a locked or damaged log; lines that are no records
// are passed over.
func (l *Log) List(ctx context.Context, f Filter) ([]Record, error) {
	file, err := os.Open(l.path(logName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	var out []Record
	src := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := readLine(src)
		if err != nil {
			if f.Limit > 0 && len(out) > f.Limit {
				out = out[len(out)-f.Limit:]
			}
			return out, notEOF(err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var r Record
		if json.Unmarshal(line, &r) != nil || !f.match(r) {
			continue
		}
		out = append(out, r)
		if f.Limit > 0 && len(out) >= 2*f.Limit {
			out = append(out[:0], out[len(out)-f.Limit:]...)
		}
	}
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (f Filter) match(r Record) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	action := is(f.Action, r.Action) || strings.HasSuffix(f.Action, ".") && strings.HasPrefix(r.Action, f.Action)
	return action && is(f.Project, r.Project) && is(f.Session, r.Session) && is(f.Outcome, r.Outcome) &&
		r.Seq > f.After && !r.Time.Before(f.Since)
}
