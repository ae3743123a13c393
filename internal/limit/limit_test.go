package limit

import "testing"

func TestNumberAndTextAgree(t *testing.T) {
	for _, test := range []struct {
		name Name
		text string
		n    int64
		back string
	}{
		{Memory, "512M", 512 << 20, "512M"}, {Memory, "1.5g", 3 << 29, "1.5G"}, {Disk, "8GiB", 8 << 30, "8G"},
		{Disk, "2097152", 2 << 20, "2M"}, {Processes, "4000", 4000, "4000"}, {CPUs, "0.5", 500, "0.5"}, {CPUs, "2", 2000, "2"},
		{Time, "90s", 90, "1m30s"}, {Time, "8h", 8 * 3600, "8h"}, {Time, "30m", 1800, "30m"}, {OpenFiles, "65536", 65536, "65536"},
	} {
		n, err := Number(test.name, test.text)
		if err != nil || n != test.n || Text(test.name, n) != test.back {
			t.Errorf("%s %s: %d %q, %v", test.name, test.text, n, Text(test.name, n), err)
		}
		if again, err := Number(test.name, Text(test.name, n)); err != nil || again != n {
			t.Errorf("%s: %q reads as %d, %v", test.name, Text(test.name, n), again, err)
		}
	}
	for _, bad := range []struct {
		name Name
		text string
	}{
		{Memory, ""}, {Memory, "lots"}, {Memory, "-1G"}, {Memory, "NaN"}, {Memory, "+InfG"}, {Memory, "1"}, {Disk, "1e30G"},
		{Processes, "1"}, {Processes, "2.5"}, {CPUs, "0"}, {Time, "8"}, {Time, "-8h"}, {"luck", "1"}, {OpenFiles, "0x100"},
	} {
		if n, err := Number(bad.name, bad.text); err == nil {
			t.Errorf("%s %q was taken for %d", bad.name, bad.text, n)
		}
	}
}

// What a project says never allows more than what it narrows.
func TestNarrowNeverWidens(t *testing.T) {
	own := Set{Memory: {100, "own"}, Time: {60, "own"}}
	got := own.Narrow(Set{Memory: {200, "project"}, Time: {30, "project"}, Processes: {20, "project"}})
	want := Set{Memory: {100, "own"}, Time: {30, "project"}, Processes: {20, "project"}}
	for name, b := range want {
		if got[name] != b {
			t.Errorf("%s is %+v, want %+v", name, got[name], b)
		}
	}
	if own[Time].N != 60 {
		t.Error("narrowing changed what it narrowed")
	}
}

func TestDefaultFitsTheMachine(t *testing.T) {
	for _, m := range []Machine{{}, {Memory: 512 << 20, Free: 1 << 20}, {Memory: 24 << 30, Free: 80 << 30}, {Memory: 1 << 40, Processes: 2000, OpenFiles: 1024}} {
		s := Default(m)
		if n, ok := s.N(Memory); m.Memory > 0 && (!ok || n >= m.Memory) {
			t.Errorf("%+v: memory %d", m, n)
		}
		if n, ok := s.N(Processes); !ok || n > mostAllowed || m.Processes > 0 && n >= m.Processes {
			t.Errorf("%+v: processes %d", m, n)
		}
		if n, ok := s.N(OpenFiles); !ok || m.OpenFiles > 0 && n > m.OpenFiles {
			t.Errorf("%+v: open files %d", m, n)
		}
		if _, ok := s.N(Time); ok {
			t.Errorf("%+v: time is limited", m)
		}
	}
}
