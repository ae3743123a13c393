package cli

import (
	"os"
	"strings"
	"testing"
)

// The table of platforms stands in the README and in the help: the same rows.
func TestPlatformsAgreeWithTheReadme(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "## Where it works\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(cells[1], "-") || strings.TrimSpace(cells[1]) == "" {
			continue
		}
		rows++
		if name := strings.TrimSpace(cells[1]); !strings.Contains(platformsText, "\n  "+name+"  ") {
			t.Errorf("%q is in the README, not in bailey help platforms", name)
		}
	}
	inHelp := 0
	for line := range strings.Lines(platformsText) {
		if strings.HasPrefix(line, "  ") && len(line) > 2 && line[2] != ' ' {
			inHelp++
		}
	}
	if rows < 5 || inHelp != rows {
		t.Errorf("%d platforms in the README, %d in bailey help platforms", rows, inHelp)
	}
	for _, option := range []string{"--security-opt seccomp=unconfined", "--security-opt systempaths=unconfined"} {
		if !strings.Contains(section, option) || !strings.Contains(platformsText, option) {
			t.Errorf("%s is missing in one of them", option)
		}
	}
}
