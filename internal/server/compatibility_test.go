package server

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/table"
)

var update = flag.Bool("update", false, "write what tests generate")

const compatibility = "../../doc/compatibility.md"

// routeOf is the route of a request, in the words of the table.
func routeOf(method, path string) (string, bool) {
	r := httptest.NewRequest(method, strings.NewReplacer("{", "x", "}", "x").Replace(path), nil)
	r.URL.Path = strings.TrimRight(r.URL.Path, "/")
	route, ok := desk.NewRouter(table.Routes()).Find(r)
	return route.Method + " " + route.Pattern, ok
}

// golden reads testdata/clients.txt: which routes each official client used.
func golden(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		client, route, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[client] = append(out[client], route)
	}
	return out
}

// The table of routes in the document is that of the server, and says truly
// which suite tries what.
func TestCompatibilityTable(t *testing.T) {
	tried := golden(t)
	for _, c := range contracts(t) {
		if route, ok := routeOf(c.method, c.path); ok {
			tried["contract"] = append(tried["contract"], route)
		}
	}
	var rows []string
	for _, r := range table.Routes() {
		route := r.Method + " " + r.Pattern
		row := fmt.Sprintf("| `%s` | `%s` |", r.Method, r.Pattern)
		for _, suite := range []string{"contract", "go", "node"} {
			mark := ""
			if slices.Contains(tried[suite], route) {
				mark = "yes"
			}
			row += " " + mark + " |"
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b string) int {
		return strings.Compare(strings.SplitN(a, "|", 3)[2]+a, strings.SplitN(b, "|", 3)[2]+b)
	})
	table := "| | route | recorded exchange | Go SDK | Node SDK |\n|---|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	b, err := os.ReadFile(compatibility)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(b), "<!-- routes -->\n")
	_, tail, ok := strings.Cut(rest, "<!-- end -->")
	want := head + "<!-- routes -->\n" + table + "<!-- end -->" + tail
	switch {
	case !ok:
		t.Fatal("the document has no place for the table")
	case *update:
		if err := os.WriteFile(compatibility, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case string(b) != want:
		t.Errorf("%s is not up to date: run go test ./internal/server -run TestCompatibilityTable -update", compatibility)
	}
}

// Every route of the table is tried with a recorded exchange, in one of its
// spellings at least.
func TestEveryHandlerHasAContract(t *testing.T) {
	covered := map[string]bool{}
	spelling := func(route string) string {
		return strings.NewReplacer("/v2/workspace/", "/W/", "/v1/workspace/", "/W/", "/v1/projects/", "/W/", "/memberships/identities", "/identity-memberships",
			"/v1/secret-imports", "/I", "/v2/secret-imports", "/I", "/v1/folders", "/F", "/v2/folders", "/F", "/slug/", "/").Replace(route)
	}
	for _, c := range contracts(t) {
		if route, ok := routeOf(c.method, c.path); ok {
			covered[spelling(route)] = true
		}
	}
	for _, r := range table.Routes() {
		if route := r.Method + " " + r.Pattern; !covered[spelling(route)] && r.Handler != nil {
			t.Errorf("%s has no case in testdata/contract.txt", route)
		}
	}
}
