package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/port"
)

// PortChange is what "bailey port" asks of a running session.
type PortChange struct {
	Port   int  `json:"port"`
	Remove bool `json:"remove,omitempty"`
}

// offerPorts opens what the confirmed manifest and the command line name. Until
// it was called the session opens none: its sandbox could not be dialled.
func (s *Session) offerPorts() {
	s.ports.Store(port.New(s.box.Dial))
	for _, p := range s.namedPorts() {
		s.offerPort(p)
	}
}

// offerPort opens a port that nobody waits for an answer about.
func (s *Session) offerPort(p policy.Port) {
	_, _, err := s.openPort(p)
	switch {
	case errors.Is(err, port.ErrFull): // programs inside choose how many they ask for: one line for all
		s.record.tell("no further port can be opened: "+err.Error(), "bailey port --remove PORT")
	case err != nil:
		s.record.tell(fmt.Sprintf("port %d inside can't be opened: %v", p, err), "")
	}
}

func (s *Session) namedPorts() []policy.Port {
	list := s.opts.Ports
	if s.manifest == nil {
		return list
	}
	for _, n := range s.manifest.Agent.Ports {
		if p, err := policy.AsPort(n); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// openPort says where a port is to be found, the first time.
func (s *Session) openPort(p policy.Port) (o port.Opened, fresh bool, err error) {
	o, fresh, err = s.ports.Load().Open(p)
	if err != nil || !fresh {
		return o, fresh, err
	}
	s.record.note("port.open", "done", fmt.Sprintf("%d at %d of this machine's loopback", o.Port, o.At))
	line := fmt.Sprintf("port %d inside: %s", o.Port, o.URL())
	switch {
	case o.Port < policy.FirstPort:
		line += fmt.Sprintf(" (%d belongs to the system)", o.Port)
	case o.At != o.Port:
		line += fmt.Sprintf(" (%d is taken on this machine)", o.Port)
	}
	if !s.opts.Quiet {
		s.record.tell(line, "")
	}
	return o, fresh, nil
}

// closePorts ends what reached the sandbox from this machine.
func (s *Session) closePorts() {
	if set := s.ports.Load(); set != nil {
		set.End()
	}
}

func (s *Session) changePorts(w http.ResponseWriter, r *http.Request) {
	set := s.ports.Load()
	if set == nil {
		http.Error(w, "it is only starting: try again", http.StatusServiceUnavailable)
		return
	}
	var c PortChange
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&c)
	var p policy.Port
	if err == nil {
		p, err = policy.AsPort(c.Port)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if c.Remove {
		if !set.Close(p) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.record.note("port.close", "done", fmt.Sprint(p))
		_ = json.NewEncoder(w).Encode(port.Opened{Port: p})
		return
	}
	o, _, err := s.openPort(p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_ = json.NewEncoder(w).Encode(o)
}

func (s *Session) listPorts(w http.ResponseWriter, _ *http.Request) {
	list := []port.Opened{}
	if set := s.ports.Load(); set != nil {
		list = set.List()
	}
	_ = json.NewEncoder(w).Encode(list)
}

// Ports lists the ports that the running session has open.
func (s Stored) Ports(ctx context.Context) (list []port.Opened, err error) {
	_, err = s.ask(ctx, http.MethodGet, "/ports", nil, &list)
	return list, err
}

// OpenPort opens a port of the running session.
func (s Stored) OpenPort(ctx context.Context, p policy.Port) (o port.Opened, err error) {
	body, err := json.Marshal(PortChange{Port: int(p)})
	if err != nil {
		return o, err
	}
	_, err = s.post(ctx, "/ports", body, &o)
	return o, err
}

// ClosePort closes it again and reports whether it was open.
func (s Stored) ClosePort(ctx context.Context, p policy.Port) (bool, error) {
	body, err := json.Marshal(PortChange{Port: int(p), Remove: true})
	if err != nil {
		return false, err
	}
	status, err := s.post(ctx, "/ports", body, nil)
	return status == http.StatusOK, err
}
