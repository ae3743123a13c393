package undo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// blobs reads objects out of the project's repository through one git process.
type blobs struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// maxBlob bounds one object, bytes: it is held in memory.
const maxBlob = 1 << 30

func openBlobs(git *gitrun.Git) (*blobs, error) {
	cmd := git.Host(context.Background(), "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &blobs{cmd, in, bufio.NewReaderSize(out, 64<<10)}, gitrun.Start(cmd)
}

// read speaks the protocol of git-cat-file(1): a name goes in; "NAME blob
// SIZE", the content and a line feed come out.
func (b *blobs) read(name string) ([]byte, error) {
	if _, err := fmt.Fprintln(b.in, name); err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	words := strings.Fields(line)
	if len(words) != 3 || words[1] != "blob" {
		return nil, errors.New("git does not have its content any more")
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || size < 0 || size > maxBlob {
		return nil, errors.New("it is too large")
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(b.out, content); err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	return content[:size], nil
}

func (b *blobs) close() {
	_ = b.in.Close()
	_ = b.cmd.Wait()
}
