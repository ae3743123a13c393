package main

import (
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"
)

// machine is what the user's computer runs besides the shop: a database on
// loopback, and development servers on the ports that the agent wants too.
type machine struct {
	database net.Listener
	others   []net.Listener
	greeting string // what the database says to everybody who connects

	// disturbed counts connections to the development servers: the agent's
	// own listeners must not be reached on the host.
	disturbed atomic.Int64
}

func newMachine() (*machine, error) {
	m := &machine{greeting: newCanary("database")}
	var err error
	if m.database, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go m.serve(m.database, func(c net.Conn) { _, _ = io.WriteString(c, m.greeting) })
	for _, port := range []int{3000, 5432} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // somebody has it already, which serves as well
		}
		m.others = append(m.others, l)
		go m.serve(l, func(net.Conn) { m.disturbed.Add(1) })
	}
	return m, nil
}

func (m *machine) serve(l net.Listener, greet func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		greet(conn)
		_ = conn.Close()
	}
}

func (m *machine) databasePort() string {
	_, port, _ := net.SplitHostPort(m.database.Addr().String()) // a listener's address has both
	return port
}

func (m *machine) close() {
	for _, l := range append(m.others, m.database) {
		_ = l.Close()
	}
}

// process is a bystander that does nothing but live.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{}
}

func startProcess(env ...string) (*process, error) {
	p := &process{cmd: exec.Command("sleep", "600"), gone: make(chan struct{})}
	p.cmd.Env = env
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // always killed: its error says nothing
		close(p.gone)
	}()
	return p, nil
}

// alive is true when the process outlives a moment that is long enough for a
// kill which was sent already.
func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

func (p *process) close() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}
