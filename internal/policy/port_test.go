package policy

import "testing"

func TestParsePort(t *testing.T) {
	for s, want := range map[string]Port{"5173": 5173, "1024": 1024, "65535": 65535} {
		if got, err := ParsePort(s); err != nil || got != want {
			t.Errorf("ParsePort(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "0", "-1", "80", "1023", "65536", "70709", "5173 ", " 5173", "+5173", "05173", "0x50", "5_173", "99999999999999999999", "http", "localhost:5173"} {
		if got, err := ParsePort(s); err == nil {
			t.Errorf("ParsePort(%q) = %d", s, got)
		}
	}
}
