package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Watch is a stream of a project's changes.
type Watch struct{ resp *http.Response }

// maxEvent bounds one line of the stream.
const maxEvent = 1 << 20

// Watch begins to watch a project: what changes from now on is told. Cancelling
// ctx ends it.
func (c *Client) Watch(ctx context.Context, project string) (*Watch, error) {
	body := map[string]any{"projectId": project, "register": []map[string]string{
		{"event": "secret:create"}, {"event": "secret:update"}, {"event": "secret:delete"}, {"event": "secret:import-mutation"},
	}}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/events/subscribe/project-events", body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return &Watch{resp}, nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return nil, errorFrom(resp.StatusCode, b)
}

// Each calls fn for every change until the stream ends: when the vault locks,
// the daemon ends, or ctx does.
func (w *Watch) Each(fn func(environment, path string)) {
	defer w.resp.Body.Close()
	lines := bufio.NewScanner(w.resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		var event struct {
			Data struct {
				Payload []struct{ Environment, SecretPath string }
			}
		}
		if !ok || json.Unmarshal([]byte(data), &event) != nil {
			continue
		}
		for _, p := range event.Data.Payload {
			fn(p.Environment, p.SecretPath)
		}
	}
}
