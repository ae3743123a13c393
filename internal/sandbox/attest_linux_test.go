package sandbox

import (
	"strings"
	"testing"
)

const attested = "Name:\tbailey\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n" +
	"CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"

// Less than every layer is a refusal, whichever is missing.
func TestAttestRefusesLess(t *testing.T) {
	var r Regime
	if err := r.read(attested); err != nil || !r.NoNewPrivs || r.Filters != 1 || r.Capabilities != "0" {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, change := range [][2]string{
		{"NoNewPrivs:\t1", "NoNewPrivs:\t0"}, {"Seccomp:\t2", "Seccomp:\t0"}, {"Seccomp:\t2", "Seccomp:\t1"},
		{"CapEff:\t0000000000000000", "CapEff:\t0000000000200000"}, {"CapBnd:\t0000000000000000", "CapBnd:\t000001ffffffffff"},
		{"CapAmb:\t0000000000000000\n", ""},
	} {
		text := strings.Replace(attested, change[0], change[1], 1)
		if text == attested || r.read(text) == nil {
			t.Errorf("%q was taken for a sandbox", change[1])
		}
	}
	if r.read("") == nil {
		t.Error("nothing was taken for a sandbox")
	}
}

// What a sandbox says of itself is what its workload finds.
func TestRegimeIsWhatTheWorkloadFinds(t *testing.T) {
	s, _ := baseSpec(t, `grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status`)
	p := start(t, s)
	p.Stdio.In.Close()
	var found Regime
	b := make([]byte, 4096)
	var out strings.Builder
	for {
		n, err := p.Stdio.Out.Read(b)
		out.Write(b[:n])
		if err != nil {
			break
		}
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := found.read(out.String()); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	r := p.Regime
	if found.NoNewPrivs != r.NoNewPrivs || found.Filters != r.Filters || found.Capabilities != r.Capabilities {
		t.Errorf("the regime says %+v, the workload finds %+v", r, found)
	}
	if r.LandlockABI < 1 || r.Seccomp < 50 {
		t.Errorf("regime %+v", r)
	}
}
