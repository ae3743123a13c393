package server

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// contract is one case of testdata/contract.txt.
type contract struct {
	name, method, path, body string
	status                   int
	want                     string
}

func contracts(t *testing.T) (out []contract) {
	t.Helper()
	b, err := os.ReadFile("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut("\n"+string(b), "\n### ")
	for part := range strings.SplitSeq(text, "\n### ") {
		lines := strings.Split(strings.TrimSpace(part), "\n")
		c := contract{name: lines[0]}
		c.method, c.path, _ = strings.Cut(lines[1], " ")
		if len(lines) == 5 {
			c.body = lines[2]
		}
		if c.status, err = strconv.Atoi(lines[len(lines)-2]); err != nil || len(lines) < 4 || len(lines) > 5 {
			t.Fatalf("case %q is not name, request, body, status, answer", c.name)
		}
		c.want = lines[len(lines)-1]
		out = append(out, c)
	}
	return out
}

// recorded holds what a case has to hold, and what was remembered.
type recorded struct {
	*testing.T
	vars map[string]string
}

// fill puts what was remembered into a text.
func (c *recorded) fill(s string) string {
	for name, v := range c.vars {
		s = strings.ReplaceAll(s, "{"+name+"}", v)
	}
	return s
}

var forms = map[string]string{
	"uuid": `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "time": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
	"jwt": `[\w-]+\.[\w-]+\.[\w-]+`, "hex64": `[0-9a-f]{64}`, "text": `(?s).+`,
}

// holds compares an answer with what it must hold.
func (c *recorded) holds(at string, want, got any) {
	c.Helper()
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			c.Errorf("%s: %v is no object", at, got)
		}
		for k, v := range want {
			g, there := have[k]
			if !there {
				c.Errorf("%s.%s is missing", at, k)
				continue
			}
			c.holds(at+"."+k, v, g)
		}
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			c.Errorf("%s: %v, want %d elements", at, got, len(want))
			return
		}
		for i := range want {
			c.holds(fmt.Sprintf("%s[%d]", at, i), want[i], have[i])
		}
	case string:
		c.text(at, want, got)
	default:
		if want != got {
			c.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}

func (c *recorded) text(at, want string, got any) {
	c.Helper()
	form, isForm := strings.CutPrefix(want, "@")
	if !isForm {
		if want != got {
			c.Errorf("%s: %v, want %q", at, got, want)
		}
		return
	}
	form, name, remember := strings.Cut(form, "=")
	s, isText := got.(string)
	switch {
	case form == "any":
		return
	case !isText || !regexp.MustCompile("^"+forms[form]+"$").MatchString(s):
		c.Errorf("%s: %v is no %s", at, got, form)
	}
	if remember {
		c.vars[name] = s
	}
}

// The answers that the original was seen to give, in their order.
func TestContract(t *testing.T) {
	s := newSite(t, "member", "")
	s.token = ""
	made := s.must("POST", "/api/v2/workspace", `{"projectName":"first project","slug":"first-project"}`)
	project := made.field(t, "project.id")
	s.must("POST", "/api/v2/workspace/"+project+"/identity-memberships/"+s.identity, `{"roles":[{"role":"admin"}]}`)
	machine := s.ask("POST", "/api/v1/auth/universal-auth/login", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, s.clientID, s.clientSecret)).field(t, "accessToken")
	vars := map[string]string{"project": project, "clientId": s.clientID, "clientSecret": s.clientSecret}
	for _, one := range contracts(t) {
		t.Run(one.name, func(t *testing.T) {
			c := &recorded{t, vars}
			s.token = machine
			r := reply{}
			switch _, who, _ := strings.Cut(one.name, " as "); who {
			case "owner": // of the vault, on its socket
				r = s.do(one.method, c.fill(one.path), c.fill(one.body))
			case "viewer", "service":
				s.token = vars[who]
				fallthrough
			default:
				r = s.ask(one.method, c.fill(one.path), c.fill(one.body))
			}
			if r.status != one.status {
				t.Fatalf("%s %s: %d %s, want %d", one.method, c.fill(one.path), r.status, r.body, one.status)
			}
			if r.header.Get("Etag") == "" || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("headers: %v", r.header)
			}
			var want, got any
			if err := json.Unmarshal([]byte(c.fill(one.want)), &want); err != nil {
				t.Fatalf("%s: %v", one.want, err)
			}
			r.into(t, &got)
			c.holds("answer", want, got)
			if t.Failed() {
				t.Log(r.body)
			}
		})
	}
	if v, err := s.client.VerifyAudit(t.Context()); err != nil || !v.OK {
		t.Errorf("after all that: %+v, %v", v, err)
	}
}
