package sandbox

import (
	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/coder"
)

// The messages on the control socket, field by field.

func (f *frame) code(c *coder.Coder) {
	coder.Maybe(c, &f.Base, codeBase)
	coder.Maybe(c, &f.Spec, codeSpec)
	coder.Int(c, &f.Files)
	coder.List(c, &f.Sources, coder.Int)
	coder.Flag(c, &f.Go)
	coder.Maybe(c, &f.Started, codeRegime)
	coder.Int(c, &f.Network)
	coder.Flag(c, &f.Pty)
	coder.Maybe(c, &f.Exit, codeExit)
	coder.Maybe(c, &f.Notice, codeNotice)
	coder.Text(c, &f.Error)
	coder.Text(c, &f.Hint)
	coder.Int(c, &f.Signal)
	coder.Maybe(c, &f.Pin, codeFile)
	coder.Text(c, &f.Protect)
	coder.Int(c, &f.Socket)
	coder.Text(c, &f.None)
}

func codeBase(c *coder.Coder, b *Base) {
	coder.Int(c, &b.Identity.UID)
	coder.Int(c, &b.Identity.GID)
	coder.Text(c, &b.Identity.Name)
	coder.Text(c, &b.Identity.Home)
	coder.Text(c, &b.Identity.Shell)
	coder.List(c, &b.Copies, coder.Text)
	coder.List(c, &b.Links, codeLink)
	coder.Flag(c, &b.Broker)
	coder.Flag(c, &b.Overlay)
	coder.Flag(c, &b.Listens)
}

func codeSpec(c *coder.Coder, s *Spec) {
	codeBase(c, &s.Base)
	coder.Text(c, &s.Path)
	coder.List(c, &s.Args, coder.Text)
	coder.Text(c, &s.Dir)
	coder.List(c, &s.Env, coder.Text)
	coder.Text(c, &s.Hostname)
	coder.List(c, &s.Mounts, codeMount)
	coder.List(c, &s.Files, codeFile)
	for i := range s.TTY {
		coder.Flag(c, &s.TTY[i])
	}
	coder.Int(c, &s.Rows)
	coder.Int(c, &s.Cols)
	coder.Map(c, (*map[limit.Name]limit.Bound)(&s.Limits), codeBound)
	coder.Flag(c, &s.Quota)
	coder.Maybe(c, &s.Names, codeNames)
}

func codeLink(c *coder.Coder, l *Link) {
	coder.Text(c, &l.Target)
	coder.Text(c, &l.To)
}

func codeMount(c *coder.Coder, m *Mount) {
	coder.Int(c, &m.Kind)
	coder.Text(c, &m.Source)
	coder.Text(c, &m.Target)
	coder.Flag(c, &m.Writable)
	coder.Flag(c, &m.Optional)
	coder.Flag(c, &m.Pinned)
	coder.Flag(c, &m.Real)
	coder.Int(c, &m.Size)
	coder.Int(c, &m.Mode)
	coder.Flag(c, &m.Idmapped)
}

func codeFile(c *coder.Coder, f *File) {
	coder.Text(c, &f.Target)
	coder.Bytes(c, &f.Content)
	coder.Int(c, &f.Mode)
}

func codeBound(c *coder.Coder, b *limit.Bound) {
	coder.Int(c, &b.N)
	coder.Text(c, &b.Origin)
}

func codeNames(c *coder.Coder, n *Names) {
	coder.Text(c, &n.Root)
	coder.List(c, &n.Exempt, coder.Text)
}

func codeExit(c *coder.Coder, e *Exit) {
	coder.Int(c, &e.Code)
	coder.Int(c, &e.Signal)
	coder.Maybe(c, &e.Breach, codeBreach)
}

func codeBreach(c *coder.Coder, b *limit.Breach) {
	coder.Text(c, &b.Name)
	coder.Int(c, &b.Limit)
	coder.Int(c, &b.Used)
	coder.Text(c, &b.Layer)
	coder.Text(c, &b.What)
}

func codeNotice(c *coder.Coder, n *Notice) {
	coder.Text(c, &n.Kind)
	coder.Text(c, &n.Path)
	coder.Text(c, &n.Detail)
	coder.Int(c, &n.Port)
	coder.Int(c, &n.Absent)
}

func codeRegime(c *coder.Coder, r *Regime) {
	coder.Int(c, &r.LandlockABI)
	coder.Int(c, &r.Errata)
	coder.Int(c, &r.Seccomp)
	coder.Flag(c, &r.StrictNames)
	coder.Int(c, &r.UID)
	coder.Flag(c, &r.Subordinate)
	coder.Text(c, &r.Kernel)
	coder.Flag(c, &r.NoNewPrivs)
	coder.Int(c, &r.Filters)
	coder.Text(c, &r.Capabilities)
}
