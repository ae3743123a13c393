// Package limit says how much of the machine a session may take: memory,
// processes, processors, open files, disk and time.
//
// It measures nothing and stops nothing. Its invariant: a Set that came from a
// project's file never allows more than the one it is narrowed into.
package limit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Name is a limit as it is written in a configuration.
type Name string

// The limits.
const (
	Memory    Name = "memory"     // bytes, of all processes together, swap included
	Processes Name = "processes"  // at one time, threads counted
	CPUs      Name = "cpus"       // thousandths of a processor
	OpenFiles Name = "open-files" // of one process
	Disk      Name = "disk"       // bytes of free space that a session may use up
	Time      Name = "time"       // seconds from start to end
)

// Names are all limits, in the order in which people should see them.
var Names = []Name{Memory, Processes, CPUs, OpenFiles, Disk, Time}

// Bound is one limit and where it was set.
type Bound struct {
	N      int64  `json:"n"` // in the unit of its Name; positive
	Origin string `json:"origin,omitempty"`
}

// Set is what a session may take. What is missing is not limited.
type Set map[Name]Bound

// N is the limit's number; ok is false where nothing is limited.
func (s Set) N(name Name) (n int64, ok bool) {
	b, ok := s[name]
	return b.N, ok
}

// Narrow takes from by whatever is smaller.
func (s Set) Narrow(by Set) Set {
	out := maps.Clone(s)
	for name, b := range by {
		if have, ok := out[name]; !ok || b.N < have.N {
			out[name] = b
		}
	}
	return out
}

// With takes from over whatever it names.
func (s Set) With(over Set) Set {
	out := maps.Clone(s)
	maps.Copy(out, over)
	return out
}

// String lists the limits for people.
func (s Set) String() string {
	var parts []string
	for _, name := range Names {
		if b, ok := s[name]; ok {
			parts = append(parts, string(name)+" "+Text(name, b.N))
		}
	}
	return strings.Join(parts, ", ")
}

// Parse reads a mapping such as {memory: 8G, time: 2h}.
func Parse(texts map[string]string, origin func(name string) string) (Set, error) {
	s := Set{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		n, err := Number(Name(name), texts[name])
		if err != nil {
			return nil, err
		}
		s[Name(name)] = Bound{n, origin(name)}
	}
	return s, nil
}

// ParseWords reads words such as "memory=8G", as on a command line.
func ParseWords(words []string, origin string) (Set, error) {
	texts := map[string]string{}
	for _, w := range words {
		name, text, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no limit: write it as memory=8G", w)
		}
		texts[name] = text
	}
	return Parse(texts, func(string) string { return origin })
}

// most bounds every number, so that no sum of two overflows.
const most = 1 << 60

// Number reads one limit.
func Number(name Name, text string) (int64, error) {
	var n float64
	var err error
	form := ""
	switch name {
	case Memory, Disk:
		n, err = size(text)
		form = "a size such as 512M or 8G"
	case Processes, OpenFiles:
		var i int64
		i, err = strconv.ParseInt(text, 10, 64)
		n, form = float64(i), "a whole number"
	case CPUs:
		n, err = strconv.ParseFloat(text, 64)
		n, form = n*1000, "a number of processors such as 2 or 0.5"
	case Time:
		var d time.Duration
		d, err = time.ParseDuration(text)
		n, form = d.Seconds(), "a time such as 90s, 30m or 8h"
	default:
		return 0, fmt.Errorf("unknown limit %q: there are %s", name, list())
	}
	if low := least[name]; err != nil || math.IsNaN(n) || n < float64(low) || n > most {
		return 0, fmt.Errorf("%s is %s, at least %s", name, form, Text(name, low))
	}
	return int64(n), nil
}

// least is what a sandbox with nothing in it needs.
var least = map[Name]int64{Memory: 64 << 20, Processes: 16, CPUs: 10, OpenFiles: 64, Disk: 1 << 20, Time: 1}

func list() string {
	var names []string
	for _, n := range Names {
		names = append(names, string(n))
	}
	return strings.Join(names, ", ")
}

// units are powers of 1024, as in the files of a cgroup.
const units = "KMGT"

func size(text string) (float64, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	factor := 1.0
	if at := strings.IndexByte(units, cmp.Or(text, " ")[max(len(text)-1, 0)]); at >= 0 {
		text, factor = text[:len(text)-1], math.Pow(1024, float64(at+1))
	}
	n, err := strconv.ParseFloat(text, 64)
	return n * factor, err
}

// Text writes a number the way Number reads it.
func Text(name Name, n int64) string {
	switch name {
	case Memory, Disk:
		return Size(n)
	case CPUs:
		return strconv.FormatFloat(float64(n)/1000, 'f', -1, 64)
	case Time:
		text := (time.Duration(n) * time.Second).String()
		if short := strings.TrimSuffix(text, "0s"); strings.HasSuffix(short, "m") {
			text = short
		}
		if short := strings.TrimSuffix(text, "0m"); strings.HasSuffix(short, "h") {
			text = short
		}
		return text
	}
	return strconv.FormatInt(n, 10)
}

// Size writes bytes with a unit and at most one digit behind the point.
func Size(n int64) string {
	unit, f := "B", float64(n)
	for _, u := range units {
		if f < 1024 {
			break
		}
		unit, f = string(u), f/1024
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + unit
}

// Breach is a limit that was reached, and why a session ended.
type Breach struct {
	Name  Name
	Limit int64  // 0 when it was the machine itself that ran out
	Used  int64  // what was found, in the unit of Name; 0 when only the refusal is known
	Layer string // what noticed: "cgroup", "watch", "kernel", "clock"
	What  string // further words for people
}

// String says what happened, such as
// "memory: 9.1G used, the limit is 8G".
func (b Breach) String() string {
	text := string(b.Name) + ": "
	switch {
	case b.What != "":
		text += b.What
	case b.Used > 0:
		text += Text(b.Name, b.Used) + " used"
	default:
		text += "all used up"
	}
	if b.Limit > 0 {
		text += ", the limit is " + Text(b.Name, b.Limit)
	}
	return text
}
