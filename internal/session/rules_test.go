package session

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
)

// Terminals that open and close hosts at the same time lose none of each other.
func TestAllowAtOnce(t *testing.T) {
	t.Setenv("BAILEY_HOME", t.TempDir())
	root := t.TempDir()
	var want []string
	var wg sync.WaitGroup
	for i := range 40 {
		name := fmt.Sprintf("h%02d.test", i)
		want = append(want, name)
		wg.Go(func() {
			for _, host := range []string{name, name + "ing"} {
				if err := Allow(root, policy.Rule{Host: policy.Host{Name: host}, Access: policy.Read}); err != nil {
					t.Error(err)
				}
			}
			if was, err := Disallow(root, policy.Host{Name: name + "ing"}); !was || err != nil {
				t.Errorf("%s: %v, %v", name, was, err)
			}
		})
	}
	wg.Wait()
	got := Allowed(root)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d hosts are open: %v", len(got), got)
	}
	if was, err := Disallow(root, policy.Host{Name: "never.test"}); was || err != nil {
		t.Errorf("a host that was never open: %v, %v", was, err)
	}
}

// What no rule opens is refused at once, unless it is pinned.
func TestOpenable(t *testing.T) {
	t.Setenv("BAILEY_HOME", t.TempDir())
	for name, open := range map[string]bool{"docs.test": true, "1.1.1.1": true, "10.0.0.5": false, "127.0.0.1": false,
		"169.254.169.254": false, "localhost": false, "app.localhost": false, "fd00::1": false, "2606:4700::1111": true} {
		if err := Openable(policy.Host{Name: name}); (err == nil) != open {
			t.Errorf("%s: %v", name, err)
		}
	}
}
