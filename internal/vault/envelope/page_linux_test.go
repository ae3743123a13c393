package envelope

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// flagged reads in smaps that the page is left out of core dumps (dd) and
// wiped in a forked child (wf).
func flagged(t *testing.T, page []byte) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("%x-", uintptr(unsafe.Pointer(&page[0])))
	_, rest, ok := strings.Cut(string(b), "\n"+addr)
	if !ok {
		t.Fatalf("no mapping at %s", addr)
	}
	_, flags, _ := strings.Cut(rest, "VmFlags:")
	flags, _, _ = strings.Cut(flags, "\n")
	return strings.Contains(flags, " dd") && strings.Contains(flags, " wf")
}
