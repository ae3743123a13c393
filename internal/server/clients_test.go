package server

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Programs with the official SDKs, unchanged, get from this server what they
// expect of the original. script/setup builds them into bin/sdk.
func TestOfficialClients(t *testing.T) {
	sdk, err := filepath.Abs("../../bin/sdk")
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"go":   {filepath.Join(sdk, "gosdk")},
		"node": {"node", filepath.Join(sdk, "node", "main.mjs")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(command[len(command)-1]); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("the official client was not built: %v", err)
				}
				t.Skip("the official client is not built: run script/setup test")
			}
			s := newSite(t, "member", "")
			s.token = ""
			p := s.must("POST", "/api/v2/workspace", `{"projectName":"sdk","slug":"sdk-project"}`)
			id := p.field(t, "project.id")
			s.must("POST", "/api/v2/workspace/"+id+"/identity-memberships/"+s.identity, `{"roles":[{"role":"member"}]}`)
			s.must("POST", "/api/v1/secret-imports", `{"workspaceId":"`+id+`","environment":"staging","path":"/","import":{"environment":"dev","path":"/"}}`)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SITE=" + s.url, "CLIENT_ID=" + s.clientID,
				"CLIENT_SECRET=" + s.clientSecret, "PROJECT_ID=" + id, "PROJECT_SLUG=sdk-project"}
			s.asked() // what made the site does not count
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "all is as it should be") {
				t.Fatalf("%v\n%s", err, out)
			}
			used := map[string]bool{}
			for _, ask := range s.asked() {
				method, path, _ := strings.Cut(ask, " ")
				route, ok := routeOf(method, path)
				if !ok {
					t.Errorf("it asked for %s, which is not built", ask)
				}
				used[route] = true
			}
			if got, want := slices.Sorted(maps.Keys(used)), golden(t)[name]; !slices.Equal(got, want) {
				t.Errorf("testdata/clients.txt is not up to date:\n%s %s", name, strings.Join(got, "\n"+name+" "))
			}
		})
	}
}
