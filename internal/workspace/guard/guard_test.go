package guard

import (
	"io/fs"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
)

// bind(2) makes the name before the socket behind it is to be found.
func TestSocketThatIsNoneYet(t *testing.T) {
	asked := 0
	g := &Guard{HostSocket: func(string) bool { asked++; return asked > 1 }}
	found := make(chan Found, 1)
	e := safefs.Entry{Name: "s", Type: fs.ModeSocket}
	if g.judgeBelow(".", e, func(f Found) { found <- f }) {
		t.Error("reported before it was the host's")
	}
	select {
	case f := <-found:
		if f.Name != "s" || f.Kind != HostSocket {
			t.Errorf("%+v", f)
		}
	case <-time.After(5 * time.Second):
		t.Error("not looked at again")
	}
}
