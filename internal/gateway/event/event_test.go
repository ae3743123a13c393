package event

import (
	"fmt"
	"strings"
	"testing"
)

// Events stay few whatever a program tries.
func TestEventsAreBounded(t *testing.T) {
	n := 0
	r := Recorder{Sink: func(Event) { n++ }}
	for i := range 100000 {
		r.Record(Event{Kind: Denied, Host: fmt.Sprintf("n%d.evil.test", i), Scheme: "dns"})
	}
	if n != maxSaid || len(r.said) != maxSaid {
		t.Errorf("%d events, %d remembered", n, len(r.said))
	}
}

func TestQuiet(t *testing.T) {
	var got []string
	r := Recorder{Sink: func(e Event) { got = append(got, e.String()) }}
	for range 3 {
		for _, path := range []string{"/a", "/b"} {
			r.Record(Event{Kind: Denied, Host: "docs.test", Port: 443, Scheme: "https", Method: "POST", Path: path, Reason: "read-only rule bailey.yaml:1"})
			r.Record(Event{Kind: Allowed, Host: "docs.test", Port: 8443, Scheme: "https", Method: "GET", Path: path})
			r.Record(Event{Kind: Injected, Host: "pay.test", Port: 443, Scheme: "https", Method: "GET", Path: path, Secret: "PAY_KEY"})
		}
	}
	want := "denied: POST https://docs.test/a (read-only rule bailey.yaml:1)\nallowed: GET https://docs.test:8443/a\n"
	if all := strings.Join(got, "\n") + "\n"; !strings.HasPrefix(all, want[:strings.Index(want, "\n")+1]) || strings.Count(all, "denied") != 1 || strings.Count(all, "allowed") != 1 || strings.Count(all, "injected") != 6 {
		t.Errorf("%s", all)
	}
}

func TestString(t *testing.T) {
	for _, tc := range []struct {
		e    Event
		want string
	}{
		{Event{Kind: Denied, Host: "evil.test", Scheme: "dns", Reason: "no rule allows it"}, "denied: look up evil.test (no rule allows it)"},
		{Event{Kind: Denied, Host: "2606::1", Port: 443, Scheme: "tcp"}, "denied: connect [2606::1]:443"},
		{Event{Kind: Alarm, Host: "a.test", Port: 80, Scheme: "http", Method: "GET", Secret: "KEY"}, "alarm: GET http://a.test KEY"},
		{Event{Kind: Allowed, Host: "2606::1", Port: 443, Scheme: "https", Method: "GET", Path: "/"}, "allowed: GET https://[2606::1]/"},
	} {
		if got := tc.e.String(); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

func TestHint(t *testing.T) {
	for _, tc := range []struct {
		name  string
		port  uint16
		write bool
		want  string
	}{
		{"a.test", 0, false, "bailey allow a.test"}, {"a.test", 443, true, "bailey allow 'a.test: write'"}, {"a.test", 8443, false, "bailey allow a.test:8443"},
		{"2606::1", 8443, false, "bailey allow '[2606::1]:8443'"}, {"2606::1", 443, false, "bailey allow 2606::1"},
		{"192.168.1.5", 443, false, ""}, {"169.254.169.254", 80, true, ""}, {"fd00::1", 443, false, ""}, {"localhost", 3000, false, ""}, {"a.localhost", 0, false, ""},
	} {
		if got := Hint(tc.name, tc.port, tc.write); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
