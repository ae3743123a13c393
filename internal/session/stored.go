package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

const metaFile = "session.json"

// Stored is what is written down about a session, for list and diff.
type Stored struct {
	ID          string             `json:"id"`
	Root        string             `json:"root"`
	Program     string             `json:"program"` // without arguments: they can hold anything
	Profile     string             `json:"profile"`
	Environment string             `json:"environment,omitempty"`
	Project     string             `json:"project,omitempty"`
	Pid         int                `json:"pid"`
	Started     time.Time          `json:"started"`
	Ended       time.Time          `json:"ended,omitzero"`
	Exit        int                `json:"exit"`
	Regime      sandbox.Regime     `json:"regime"`
	Limits      limit.Set          `json:"limits,omitempty"`
	Breach      string             `json:"breach,omitempty"` // the limit that ended it
	Hidden      []string           `json:"hidden,omitempty"`
	Changes     []workspace.Change `json:"changes,omitempty"`
	Refs        []string           `json:"refs,omitempty"`
	Refused     []Refusal          `json:"refused,omitempty"`
	Review      bool               `json:"review,omitempty"`
	Running     bool               `json:"running"`
	Pending     bool               `json:"pending,omitempty"` // changes wait to be applied or discarded

	dir string
}

func (s *Session) meta() *Stored {
	return &Stored{ID: s.ID, Root: s.root, Program: filepath.Base(s.opts.Args[0]), Profile: s.profile.Name,
		Environment: s.opts.Environment, Project: s.keys.project, Pid: os.Getpid(), Started: s.startedAt,
		Regime: s.box.Regime, Limits: s.limits, Hidden: s.view.Hidden, Review: s.opts.Review}
}

func (s *Session) writeMeta(m *Stored) error {
	if m == nil {
		m = s.meta()
	}
	return save(s.dir, m)
}

// save writes the record of a session, or replaces it. A short one is written
// over the old, in one call that no signal interrupts; read passes over what is
// left behind it. A long one gets its name when it is whole.
func save(dir string, m *Stored) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, metaFile)
	if len(b) > os.Getpagesize() {
		if err = os.WriteFile(name+".new", b, 0o600); err == nil {
			err = os.Rename(name+".new", name)
		}
	} else {
		err = overwrite(name, b)
	}
	if err != nil {
		return fmt.Errorf("session record: %w", err)
	}
	return nil
}

func overwrite(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// List returns the sessions of this user, newest first.
func List() ([]Stored, error) {
	dirs, err := os.ReadDir(home.Sessions())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Stored
	for _, d := range dirs {
		if st, err := read(filepath.Join(home.Sessions(), d.Name())); err == nil {
			all = append(all, st)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Started.After(all[j].Started) })
	return all, nil
}

// Find returns the session with that id, or the newest for "".
func Find(id string) (Stored, error) {
	all, err := List()
	if err != nil {
		return Stored{}, err
	}
	for _, s := range all {
		if id == "" || s.ID == id {
			return s, nil
		}
	}
	if id == "" {
		return Stored{}, api.Errorf(api.Missing, "there was no session yet")
	}
	return Stored{}, api.Errorf(api.Missing, "no session %q", id).WithHint("bailey session list")
}

func read(dir string) (Stored, error) {
	b, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return Stored{}, err
	}
	s := Stored{dir: dir}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&s); err != nil {
		return Stored{}, err
	}
	s.Running = s.Ended.IsZero() && alive(dir)
	s.Pending = s.Review && !s.Running && waits(dir)
	return s, nil
}

// alive says whether a session's supervisor still answers.
func alive(dir string) bool {
	resp, err := dial(dir).Get(controlBase + "/rules")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Events returns what was recorded in the session, oldest first.
func (s Stored) Events() ([]api.Event, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, eventsFile))
	if err != nil {
		return nil, err
	}
	var all []api.Event
	for line := range bytes.Lines(b) {
		var e api.Event
		if json.Unmarshal(line, &e) == nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// Change changes the rules of the running session. It reports false when there
// was nothing to change.
func (s Stored) Change(ctx context.Context, c Change) (bool, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	status, err := s.post(ctx, "/rules", body, nil)
	return status == http.StatusOK, err
}

// Stop asks the workload to end, as ^C does.
func (s Stored) Stop(ctx context.Context) error {
	_, err := s.post(ctx, "/stop", nil, nil)
	return err
}

// post sends a control request; what it is answered goes into answer, if that
// is not nil.
func (s Stored) post(ctx context.Context, path string, body []byte, answer any) (status int, err error) {
	return s.ask(ctx, http.MethodPost, path, body, answer)
}

func (s Stored) ask(ctx context.Context, method, path string, body []byte, answer any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, controlBase+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := dial(s.dir).Do(req)
	if err != nil {
		return 0, fmt.Errorf("session %s does not answer: %w", s.ID, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return 0, fmt.Errorf("session %s: %s", s.ID, bytes.TrimSpace(text))
	}
	if answer != nil && resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(io.LimitReader(resp.Body, maxRequest)).Decode(answer)
	}
	return resp.StatusCode, err
}
