package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	none, some, all := outcome{0, 2, "none"}, outcome{1, 2, "some"}, outcome{2, 2, "all"}
	tests := []struct {
		name          string
		row           row
		without, with outcome
		want          verdict
	}{
		{"a theft that Bailey stops", row{}, all, none, ok},
		{"a theft that half succeeds", row{}, all, some, failed},
		{"a theft that works nowhere proves nothing", row{}, none, none, failed},
		{"a theft whose control is half", row{}, some, none, failed},
		{"work that goes on", row{works: true}, all, all, ok},
		{"work that Bailey breaks", row{works: true}, all, some, failed},
		{"work that works nowhere", row{works: true}, none, none, failed},
		{"what only Bailey gives", row{works: true, onlyIn: true}, none, all, ok},
		{"what it should give alone", row{works: true, onlyIn: true}, all, all, failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			without := &trial{}
			with := &trial{output: output{stdout: "RESULT plant_commondir"}}
			test.row.check = func(tr *trial) (outcome, error) {
				if tr == without {
					return test.without, nil
				}
				return test.with, nil
			}
			if _, _, got := test.row.judge(without, with); got != test.want {
				t.Errorf("judged %q, want %q", got, test.want)
			}
		})
	}
}

func TestSilenceOfAnAgentThatBrokeOffProvesNothing(t *testing.T) {
	without, with := &trial{}, &trial{output: output{stdout: "RESULT read_environment"}}
	r := row{check: func(tr *trial) (outcome, error) {
		if tr == without {
			return outcome{1, 1, "taken"}, nil
		}
		return outcome{0, 1, "nothing"}, nil
	}}
	if _, _, got := r.judge(without, with); got != failed {
		t.Errorf("judged %q, want %q", got, failed)
	}
}

func TestSampleHoldsSecretsThatCanBeSearchedFor(t *testing.T) {
	env, err := os.ReadFile("../env.sample")
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := envSecrets(string(env))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if len(s.value) < 16 {
			t.Errorf("the %s has %d bytes: too short to be scrubbed or searched for", s.name, len(s.value))
		}
	}
}

func TestEveryAttemptIsMadeAndTheLastIsKnown(t *testing.T) {
	b, err := os.ReadFile("../agent.sh")
	if err != nil {
		t.Fatal(err)
	}
	body, loop, found := strings.Cut(string(b), "\nfor name in ")
	if !found {
		t.Fatal("agent.sh has no loop over its attempts")
	}
	list, _, _ := strings.Cut(loop, "; do")
	names := strings.Fields(strings.NewReplacer("${*:-", "", "}", "", "\\", "").Replace(list))
	for _, name := range names {
		if !strings.Contains(body, "\n"+name+"() {") {
			t.Errorf("attempt %s is not defined", name)
		}
	}
	for _, prefix := range []string{"read_", "pay_", "ask_", "send_", "plant_"} {
		if made, defined := strings.Count(list, prefix), strings.Count(body, "\n"+prefix); made != defined {
			t.Errorf("%d attempts are defined as %s*, %d are made", defined, prefix, made)
		}
	}
	if last := names[len(names)-1]; last != "plant_commondir" {
		t.Errorf("the last attempt is %s, incomplete() looks for plant_commondir", last)
	}
}

func TestWriteCutsLongTextAndRepeatsItInFull(t *testing.T) {
	long := strings.Repeat("why ", 30) + "end"
	var out bytes.Buffer
	if write(&out, []result{{"you", "a", "", long, failed}, {"you", "b", "", "fine", ok}}) {
		t.Error("a failed row counts as success")
	}
	if !strings.Contains(out.String(), "FAILED: you: a: "+long) {
		t.Errorf("the reason is cut:\n%s", out.String())
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 150 && !strings.HasPrefix(line, "FAILED") {
			t.Errorf("a line has %d bytes: %s", len(line), line)
		}
	}
}

func TestParseSortsLinesByAttempt(t *testing.T) {
	seen := parse("a| one\nb| two\na| three| four\nRESULT a three\n")
	if seen["a"] != "one\nthree| four\n" || seen["b"] != "two\n" {
		t.Errorf("parsed %q", seen)
	}
}
