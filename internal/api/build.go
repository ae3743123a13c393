package api

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Build tells two builds of this program apart, and which is newer: by the
// time the program's file was written.
type Build struct {
	Version string
	Written int64 // Unix nanoseconds; 0 when unknown
}

// OwnBuild is the build of this process. It must be asked for early: a file
// replaced since would pass for the running program.
func OwnBuild(version string) Build {
	b := Build{Version: version}
	if info, err := os.Stat("/proc/self/exe"); err == nil {
		b.Written = info.ModTime().UnixNano()
	} else if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			b.Written = info.ModTime().UnixNano()
		}
	}
	return b
}

// String is the form in headers.
func (b Build) String() string { return fmt.Sprintf("%s;%d", b.Version, b.Written) }

// ParseBuild reads String's form; anything else is the zero Build.
func ParseBuild(s string) Build {
	version, written, ok := strings.Cut(s, ";")
	n, err := strconv.ParseInt(written, 10, 64)
	if !ok || err != nil {
		return Build{}
	}
	return Build{Version: version, Written: n}
}

// After says whether b was built after c; unknown times are not.
func (b Build) After(c Build) bool { return b.Written > 0 && c.Written > 0 && b.Written > c.Written }
