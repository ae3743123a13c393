package extent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTooWideSaysWhereToGo(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{home, "/", filepath.Dir(home), "/usr"} {
		_, err := Find(dir, home)
		h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if !errors.Is(err, ErrTooWide) || !ok || !strings.Contains(h.Hint(), "one project") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	project := filepath.Join(home, "shop")
	if err := os.Mkdir(project, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(project, home); err != nil || filepath.Base(got) != "shop" {
		t.Errorf("%s: %q %v", project, got, err)
	}
}
