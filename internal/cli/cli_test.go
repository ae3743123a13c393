package cli

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
)

// TestQuoteAgreesWithTheShell has a hint's command read back by a shell.
func TestQuoteAgreesWithTheShell(t *testing.T) {
	args := []string{"claude", "-p", "it's a 'test'", "", "$HOME", "a b", "x=y", "*", "é", "--flag=a,b", "`id`", "line\nbreak"}
	out, err := exec.Command("sh", "-c", "printf '%s\\0' "+quoteAll(args)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); strings.Join(got, "|") != strings.Join(args, "|") {
		t.Errorf("got %q", got)
	}
	if quoteAll([]string{"claude", "-p", "x"}) != "claude -p x" {
		t.Error("plain words are quoted")
	}
}

func TestSlugOf(t *testing.T) {
	for in, want := range map[string]string{
		"shop": "shop", "My Shop": "my-shop", "--x--": "x", "日本": "project", "a.b_c": "a-b-c", strings.Repeat("x", 100): strings.Repeat("x", 60),
	} {
		if got := slugOf(in); got != want || !manifest.ValidProject(got) {
			t.Errorf("slugOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEnviron(t *testing.T) {
	vars := []variable{
		{name: "A", value: secret.NewValue([]byte("vault")), source: "vault"},
		{name: "B", value: secret.NewValue([]byte("x=y\n")), source: "vault"},
	}
	env, err := environ([]string{"A=mine", "PATH=/bin"}, vars)
	if err != nil || strings.Join(env, "|") != "A=mine|PATH=/bin|B=x=y\n" {
		t.Errorf("%q, %v", env, err)
	}
	_, err = environ(nil, []variable{{name: "N", value: secret.NewValue([]byte("canary\x00")), source: "vault"}})
	if !api.IsCode(err, api.Invalid) || strings.Contains(err.Error(), "canary") {
		t.Errorf("a NUL byte: %v", err)
	}
}

// walk visits every command.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

func TestEveryCommandIsDescribed(t *testing.T) {
	walk(New(), func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no short text", c.CommandPath())
		}
		if strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short text ends with a full stop", c.CommandPath())
		}
		if c.Runnable() && c.Args == nil && !c.HasSubCommands() {
			t.Errorf("%s accepts any arguments", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 112 {
				t.Errorf("%s: a line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
	})
}

// TestExitCodesAreDocumented compares the help text with the table.
func TestExitCodesAreDocumented(t *testing.T) {
	for _, code := range []int{
		api.ExitOK, api.ExitFailed, api.ExitUsage, api.ExitDenied, api.ExitLocked, api.ExitMissing, api.ExitFound, api.ExitTampered, api.ExitInterrupted,
	} {
		if !strings.Contains(exitCodesText, "\n  "+strconv.Itoa(code)+" ") && !strings.HasPrefix(exitCodesText, "  "+strconv.Itoa(code)+" ") {
			t.Errorf("exit status %d is not in the help text", code)
		}
	}
}

func TestTwoOf(t *testing.T) {
	for range 200 {
		a, b, err := twoOf(7)
		if err != nil || a < 0 || a >= b || b > 6 {
			t.Fatal(a, b, err)
		}
	}
}

func TestManifestTextIsValid(t *testing.T) {
	_, example, ok := strings.Cut(manifestText, "\n\n")
	if !ok {
		t.Fatal("no example")
	}
	var yaml strings.Builder
	for line := range strings.Lines(example) {
		yaml.WriteString(strings.TrimPrefix(line, "  "))
	}
	if _, err := manifest.Parse([]byte(yaml.String())); err != nil {
		t.Error(err)
	}
}
