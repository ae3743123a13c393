package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bailey-project/bailey/internal/sandbox/coder"
)

const (
	// maxFrame bounds a message to PID 1, in bytes.
	maxFrame = 16 << 20
	// maxReport bounds one from it, which the workload may have a hand in.
	maxReport = 1 << 20
)

// frame is one message on the control socket: a length (4 bytes, big endian)
// and what code makes of it. Descriptors travel beside the frames named in their comments.
type frame struct {
	Base    *Base   // supervisor → PID 1, first
	Spec    *Spec   // supervisor → PID 1, then
	Files   int     // with Spec: this many descriptors follow, descriptors 0–2 of the workload first
	Sources []int   // with Spec: for each mount which of the further descriptors is its source, -1 for none
	Go      bool    // supervisor → PID 1: start the workload once all is built
	Started *Regime // PID 1 → supervisor, once the workload runs
	Network int     // PID 1 → supervisor: this many listener descriptors follow
	Pty     bool    // PID 1 → supervisor: the pty master follows
	Exit    *Exit
	Notice  *Notice
	Error   string // PID 1 could not build the sandbox
	Hint    string
	Signal  int    // supervisor → PID 1: for the workload's foreground group
	Pin     *File  // supervisor → PID 1: cover Target with Content
	Protect string // supervisor → PID 1: make what stands at this path read-only
	Socket  int    // supervisor → PID 1: give me a TCP socket of this family; and back, when the descriptor follows
	None    string // PID 1 → supervisor, in place of a Socket: why there is none
}

func writeFrame(w io.Writer, f frame) error {
	body := coder.Write(f.code)
	if len(body) > maxFrame {
		return fmt.Errorf("message of %d bytes is over the limit of %d", len(body), maxFrame)
	}
	buf := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err := w.Write(append(buf, body...))
	return err
}

func readFrame(r io.Reader, limit uint32) (frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > limit {
		return frame{}, errors.New("message over the limit")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, err
	}
	var f frame
	return f, coder.Read(body, f.code)
}
