package sandbox

import (
	"github.com/bailey-project/bailey/internal/sandbox/listening"
)

// maxTold bounds the ports that wait to be told of; others are when their
// program listens again.
const maxTold = 64

// tellPorts has the supervisor told of each port that the workload, which the
// calling thread is to start, begins to listen on.
func (p *pid1) tellPorts() error {
	if !p.spec.Listens {
		return nil
	}
	fd, err := listening.Install()
	if err != nil {
		return err
	}
	queue := make(chan uint16, maxTold)
	go func() {
		for port := range queue {
			_ = p.ctl.send(frame{Notice: &Notice{Kind: Listens, Port: port}})
		}
	}()
	listening.Serve(fd, func(port uint16) bool {
		select {
		case queue <- port:
			return true
		default:
			return false
		}
	}, p.die)
	return nil
}

// die ends the sandbox when somebody inside would wait for us for ever.
func (p *pid1) die(err error) {
	_ = p.ctl.send(frame{Error: err.Error()})
	exit(1)
}
