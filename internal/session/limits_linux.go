package session

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/limit"
)

// findLimits puts together what this session may take: the default, what the
// user's configuration says, narrowed by the confirmed manifest, and last what
// the user wrote on the command line.
func (s *Session) findLimits() error {
	config, err := loadConfig()
	if err != nil {
		return err
	}
	own, err := limit.Parse(config.Limits, func(string) string { return home.Config() })
	if err != nil {
		return fmt.Errorf("%s: limits: %w", home.Config(), err)
	}
	s.limits = limit.Default(machine(s.root)).With(own)
	if s.manifest != nil {
		project, err := s.manifest.Limits()
		if err != nil {
			return err
		}
		s.limits = s.limits.Narrow(project)
	}
	flags, err := limit.ParseWords(s.opts.Limits, "command line")
	if err != nil {
		return err
	}
	s.limits = s.limits.With(flags)
	return nil
}

// machine is what there is to share out.
func machine(root string) limit.Machine {
	var m limit.Machine
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	var disk unix.Statfs_t
	if unix.Statfs(root, &disk) == nil {
		m.Free = int64(disk.Bavail) * disk.Bsize
	}
	for resource, to := range map[int]*int64{unix.RLIMIT_NPROC: &m.Processes, unix.RLIMIT_NOFILE: &m.OpenFiles} {
		var r unix.Rlimit
		if unix.Getrlimit(resource, &r) != nil {
			continue
		}
		bound := r.Max
		if resource == unix.RLIMIT_NPROC {
			bound = r.Cur // what a fork is held against; Go raises the other one by itself
		}
		if bound < unix.RLIM_INFINITY>>1 {
			*to = int64(bound)
		}
	}
	return m
}

// keepTime ends the session when its time is over.
func (s *Session) keepTime() (stop func()) {
	n, ok := s.limits.N(limit.Time)
	if !ok {
		return func() {}
	}
	left := time.Until(s.startedAt.Add(time.Duration(n) * time.Second))
	t := time.AfterFunc(left, func() {
		s.box.End(limit.Breach{Name: limit.Time, Limit: n, Layer: "clock", What: "it is up"})
	})
	return func() { t.Stop() }
}

// explain says which limit ended the session and how to set it.
func (s *Session) explain(b *limit.Breach) {
	if b == nil {
		return
	}
	s.record.note("limit."+string(b.Name), "denied", b.String()+" ("+b.Layer+")")
	s.opts.Term.Notef("session %s ended: %s", s.ID, b)
	s.opts.Term.Hintf("%s", s.raise(b))
}

func (s *Session) raise(b *limit.Breach) string {
	if b.Limit == 0 {
		return fmt.Sprintf("to end such a session earlier: limits: {%s: ...} in %s", b.Name, home.Config())
	}
	double := limit.Text(b.Name, 2*b.Limit)
	return fmt.Sprintf("set by %s; for one session: bailey agent --limit %s=%s -- ...; for all: limits: {%s: %s} in %s",
		s.limits[b.Name].Origin, b.Name, double, b.Name, double, home.Config())
}
