package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// models plays the hosts of three makers of models. It believes only the real
// key, checks the shape of what it is asked, and streams its answers. Asked to
// WORK it has the agent write a file, run a command and use the tool of an MCP
// server, one step a request; anything else it answers with a sentence.
type models struct {
	mu    sync.Mutex
	asked []string // what reached it with the real key, as JSON, oldest first
	wrong []string // what was refused, and why
	dir   string   // of the project
}

// step is what an agent is told to do next.
type step struct {
	id   string
	tool string // one of the request's tools; "" for the end
	args object
}

func (m *models) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		m.refuse(w, r, err.Error())
		return
	}
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key"} {
		if v := r.Header.Get(name); v != "" {
			key = v
		}
	}
	if v := r.URL.Query().Get("key"); v != "" {
		key = v
	}
	switch {
	case r.Host == "mcp.test":
		m.serveTools(w, r, key, body)
	case r.Method == http.MethodHead:
	case r.Host == "models.dev":
		fmt.Fprint(w, "{}")
	case r.Header.Get("Upgrade") != "":
		w.WriteHeader(http.StatusUpgradeRequired) // says that there are no WebSockets
	case r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/models"):
		http.NotFound(w, r) // of what agents look for besides, nothing is there
	case key != realKey:
		m.refuse(w, r, "not the real key")
	case r.Method == http.MethodPost && r.URL.Path == "/v1/messages":
		m.answer(w, r, body, messages{})
	case r.Method == http.MethodPost && r.URL.Path == "/v1/responses":
		m.answer(w, r, body, responses{})
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, ":streamGenerateContent"):
		m.answer(w, r, body, contents{})
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, ":generateContent"):
		fmt.Fprint(w, `{"candidates":[{"content":{"role":"model","parts":[{"text":"{}"}]},"finishReason":"STOP"}]}`)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"data":[],"models":[],"input_tokens":1,"totalTokens":1}`) // lists of models, counts of tokens
	}
}

// serverKey is the key of the MCP server mcp.test.
const serverKey = "tok_SECRETOFSERVER_9876543210"

// serveTools is an MCP server with one tool (Model Context Protocol, streamable
// HTTP). It believes its own key only.
func (m *models) serveTools(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	var call struct {
		ID     any
		Method string
		Params object
	}
	_ = json.Unmarshal(body, &call)
	switch {
	case key != serverKey:
		m.refuse(w, r, "not the server's key")
		return
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case call.ID == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	}
	result := object{}
	switch call.Method {
	case "initialize":
		result = object{"protocolVersion": call.Params["protocolVersion"], "capabilities": object{"tools": object{}}, "serverInfo": object{"name": "remote", "version": "1"}}
	case "tools/list":
		result = object{"tools": []any{object{"name": "wave", "description": "A-TOOL-OF-A-SERVER", "inputSchema": object{"type": "object", "properties": object{}}}}}
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, jsonText(object{"jsonrpc": "2.0", "id": call.ID, "result": result}))
}

func readBody(r *http.Request) ([]byte, error) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		in = z
	}
	return io.ReadAll(io.LimitReader(in, 8<<20))
}

func (m *models) refuse(w http.ResponseWriter, r *http.Request, why string) {
	m.mu.Lock()
	m.wrong = append(m.wrong, r.Host+" "+r.Method+" "+r.URL.Path+": "+why)
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, `{"error":{"type":"authentication_error","message":%q}}`, why)
}

// dialect is how one maker's requests and streams look.
type dialect interface {
	// read takes what matters from a request: the last words of the user, how
	// many tools answered after them, and the names of the tools. An error says
	// what a real server would refuse.
	read(body map[string]any) (said string, done int, tools []string, err error)
	// write streams one step.
	write(s *stream, next step)
}

func (m *models) answer(w http.ResponseWriter, r *http.Request, b []byte, d dialect) {
	var body map[string]any
	if err := json.Unmarshal(b, &body); err != nil {
		m.refuse(w, r, "the request is no JSON")
		return
	}
	said, done, tools, err := d.read(body)
	if err != nil {
		m.refuse(w, r, err.Error())
		return
	}
	m.mu.Lock()
	m.asked = append(m.asked, string(b))
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	d.write(&stream{w: w}, next(said, done, tools, m.dir))
}

// next picks the step. Names of tools differ between agents; what they take is
// in their own words.
func next(said string, done int, tools []string, dir string) step {
	if !strings.Contains(said, "WORK") || len(tools) == 0 {
		return step{}
	}
	run := "cp made.txt copied.txt && echo ran"
	if slices.Contains(tools, scripted) {
		return scripts(done, run)
	}
	plan := []step{
		editing(tools, dir),
		shell(tools, run),
	}
	greet := ending(tools, "greet")
	if slices.Contains(tools, "ToolSearch") { // tools of servers are looked up before they are used
		greet = "mcp__fixture__greet"
		plan = append(plan, step{tool: "ToolSearch", args: object{"query": "select:" + greet, "max_results": 1}})
	}
	plan = append(plan, step{tool: greet, args: object{"name": "bailey"}})
	plan = slices.DeleteFunc(plan, func(s step) bool { return s.tool == "" })
	if done >= len(plan) {
		return step{}
	}
	plan[done].id = fmt.Sprintf("call_%d", done+1)
	return plan[done]
}

// scripted is Codex's one tool: JavaScript that calls all others.
const scripted = "functions/exec"

const patch = "*** Begin Patch\n*** Add File: made.txt\n+made inside\n*** End Patch\n"

func scripts(done int, run string) step {
	plan := []string{
		"text(await tools.apply_patch(" + jsonText(patch) + "))",
		"text(await tools.exec_command(" + jsonText(object{"cmd": run}) + "))",
		"text(await tools.mcp__fixture__greet(" + jsonText(object{"name": "bailey"}) + "))",
	}
	if done >= len(plan) {
		return step{}
	}
	return step{id: fmt.Sprintf("call_%d", done+1), tool: scripted, args: object{"input": plan[done]}}
}

// editing writes made.txt with what the agent has for it: a tool, patches, or
// its shell.
func editing(tools []string, dir string) step {
	file, content := dir+"/made.txt", "made inside\n"
	switch {
	case slices.Contains(tools, "Write"):
		return step{tool: "Write", args: object{"file_path": file, "content": content}}
	case slices.Contains(tools, "write"):
		return step{tool: "write", args: object{"filePath": file, "content": content}}
	case slices.Contains(tools, "write_file"):
		return step{tool: "write_file", args: object{"file_path": file, "content": content}}
	case slices.Contains(tools, "apply_patch"):
		return step{tool: "apply_patch", args: object{"input": patch}}
	}
	return shell(tools, "printf 'made inside\\n' > made.txt")
}

func shell(tools []string, command string) step {
	switch tool := oneOf(tools, "Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell"); tool {
	case "Bash", "bash", "run_shell_command":
		return step{tool: tool, args: object{"command": command, "description": "copy"}}
	case "exec_command":
		return step{tool: tool, args: object{"cmd": command}}
	case "shell":
		return step{tool: tool, args: object{"command": []string{"sh", "-c", command}}}
	default:
		return step{tool: tool, args: object{"command": command}}
	}
}

func oneOf(tools []string, names ...string) string {
	for _, n := range names {
		if slices.Contains(tools, n) {
			return n
		}
	}
	return ""
}

func ending(tools []string, end string) string {
	i := slices.IndexFunc(tools, func(t string) bool { return strings.HasSuffix(t, end) })
	if i < 0 {
		return ""
	}
	return tools[i]
}

// stream writes server-sent events, each on its way before the next is made.
type stream struct{ w http.ResponseWriter }

func (s *stream) event(name string, v any) {
	b, _ := json.Marshal(v)
	if name != "" {
		fmt.Fprintf(s.w, "event: %s\n", name)
	}
	fmt.Fprintf(s.w, "data: %s\n\n", bytes.TrimSpace(b))
	s.w.(http.Flusher).Flush()
	time.Sleep(2 * time.Millisecond) // so that a buffered answer would be seen in the order of its pieces
}

// sentence is how every piece of work ends, in the pieces that are streamed.
var sentence = []string{"All ", "is ", "done."}

type object = map[string]any

func list(v any) []any       { l, _ := v.([]any); return l }
func text(v any) string      { s, _ := v.(string); return s }
func in(v any, k string) any { m, _ := v.(map[string]any); return m[k] }
func jsonText(v any) string  { b, _ := json.Marshal(v); return string(b) }
func names(l []any) (n []string) {
	for _, t := range l {
		n = append(n, text(in(t, "name")))
	}
	return n
}

// messages is Anthropic's Messages API.
type messages struct{}

func (messages) read(body map[string]any) (said string, done int, tools []string, err error) {
	if body["stream"] != true || text(body["model"]) == "" || body["max_tokens"] == nil {
		return "", 0, nil, fmt.Errorf("stream, model and max_tokens are required")
	}
	for _, m := range list(body["messages"]) {
		if text(in(m, "role")) != "user" {
			continue
		}
		if s := text(in(m, "content")); s != "" {
			said, done = s, 0
		}
		was := done
		for _, part := range list(in(m, "content")) {
			if text(in(part, "type")) == "tool_result" {
				done++
			}
		}
		for _, part := range list(in(m, "content")) {
			if s := text(in(part, "text")); done == was && s != "" && !strings.HasPrefix(s, "<system-reminder>") {
				said, was, done = s, 0, 0
			}
		}
	}
	return said, done, names(list(body["tools"])), nil
}

func (messages) write(s *stream, next step) {
	s.event("message_start", object{"type": "message_start", "message": object{"id": "msg_1", "type": "message", "role": "assistant",
		"model": "claude", "content": []any{}, "stop_reason": nil, "usage": object{"input_tokens": 1, "output_tokens": 1}}})
	block, reason := object{"type": "text", "text": ""}, "end_turn"
	if next.tool != "" {
		block, reason = object{"type": "tool_use", "id": "toolu_" + next.id, "name": next.tool, "input": object{}}, "tool_use"
	}
	s.event("content_block_start", object{"type": "content_block_start", "index": 0, "content_block": block})
	if next.tool != "" {
		s.event("content_block_delta", object{"type": "content_block_delta", "index": 0, "delta": object{"type": "input_json_delta", "partial_json": jsonText(next.args)}})
	} else {
		for _, piece := range sentence {
			s.event("content_block_delta", object{"type": "content_block_delta", "index": 0, "delta": object{"type": "text_delta", "text": piece}})
		}
	}
	s.event("content_block_stop", object{"type": "content_block_stop", "index": 0})
	s.event("message_delta", object{"type": "message_delta", "delta": object{"stop_reason": reason}, "usage": object{"output_tokens": 5}})
	s.event("message_stop", object{"type": "message_stop"})
}

// responses is OpenAI's Responses API.
type responses struct{}

func (responses) read(body map[string]any) (said string, done int, tools []string, err error) {
	if body["stream"] != true || text(body["model"]) == "" {
		return "", 0, nil, fmt.Errorf("stream and model are required")
	}
	offered := list(body["tools"])
	for _, item := range list(body["input"]) {
		offered = append(offered, list(in(item, "tools"))...)
		switch kind := text(in(item, "type")); {
		case strings.HasSuffix(kind, "_output"):
			done++
		case text(in(item, "role")) == "user":
			for _, part := range list(in(item, "content")) {
				said, done = text(in(part, "text")), 0
			}
		}
	}
	for _, t := range offered {
		name := text(in(t, "name"))
		for _, inner := range list(in(t, "tools")) { // a namespace
			tools = append(tools, name+"/"+text(in(inner, "name")))
		}
		tools = append(tools, name)
	}
	return said, done, tools, nil
}

func (responses) write(s *stream, next step) {
	s.event("response.created", object{"type": "response.created", "response": object{"id": "resp_1"}})
	item := object{"type": "message", "id": "msg_1", "role": "assistant", "content": []any{object{"type": "output_text", "text": strings.Join(sentence, "")}}}
	space, name, inSpace := strings.Cut(next.tool, "/")
	switch {
	case next.tool == "":
		s.event("response.output_item.added", object{"type": "response.output_item.added", "item": object{"type": "message", "id": "msg_1", "role": "assistant", "content": []any{}}})
		for _, piece := range sentence {
			s.event("response.output_text.delta", object{"type": "response.output_text.delta", "item_id": "msg_1", "delta": piece})
		}
	case next.args["input"] != nil:
		item = object{"type": "custom_tool_call", "id": "ctc_1", "call_id": next.id, "name": space, "input": next.args["input"]}
	default:
		item = object{"type": "function_call", "id": "fc_1", "call_id": next.id, "name": next.tool, "arguments": jsonText(next.args)}
	}
	if inSpace {
		item["name"], item["namespace"] = name, space
	}
	s.event("response.output_item.done", object{"type": "response.output_item.done", "item": item})
	s.event("response.completed", object{"type": "response.completed", "response": object{"id": "resp_1",
		"usage": object{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}})
}

// contents is Google's Gemini API.
type contents struct{}

func (contents) read(body map[string]any) (said string, done int, tools []string, err error) {
	if len(list(body["contents"])) == 0 {
		return "", 0, nil, fmt.Errorf("contents are required")
	}
	for _, c := range list(body["contents"]) {
		for _, part := range list(in(c, "parts")) {
			switch {
			case in(part, "functionResponse") != nil:
				done++
			case text(in(c, "role")) == "user" && text(in(part, "text")) != "":
				said, done = text(in(part, "text")), 0
			}
		}
	}
	for _, t := range list(body["tools"]) {
		tools = append(tools, names(list(in(t, "functionDeclarations")))...)
	}
	return said, done, tools, nil
}

func (contents) write(s *stream, next step) {
	part := func(p object, end bool) {
		c := object{"content": object{"role": "model", "parts": []any{p}}, "index": 0}
		if end {
			c["finishReason"] = "STOP"
		}
		s.event("", object{"candidates": []any{c}, "usageMetadata": object{"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}})
	}
	if next.tool != "" {
		part(object{"functionCall": object{"name": next.tool, "args": next.args}}, true)
		return
	}
	for i, piece := range sentence {
		part(object{"text": piece}, i == len(sentence)-1)
	}
}
