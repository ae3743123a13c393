package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func placeholder(v string) string {
	return string(NewPlaceholder(testKey, "KEY", "shop", "claude", NewValue([]byte(v))))
}

func fake(v string) string {
	return string(Fake(testKey, "KEY", "shop", NewValue([]byte(v))).Reveal())
}

func TestPlaceholderShape(t *testing.T) {
	tests := []struct{ value, pattern string }{
		{"sk_live_51H8fYt2eZvKYlo2C0aBcDeFgHiJkLmN", `^sk_live_[0-9A-Za-z]{32}$`},
		{"ghp_16C7e42F292c6912E7710c838347Ae178B4a", `^ghp_[0-9A-Za-z]{36}$`},
		{"sk-ant-api03-abcDEF123456abcDEF123456-xyzXYZ0123456789AA", `^sk-ant-api03-[0-9A-Za-z]{24}-[0-9A-Za-z]{18}$`},
		{"AKIAIOSFODNN7EXAMPLE", `^AKIA[0-9A-Z]{19}$`},
		{"d41d8cd98f00b204e9800998ecf8427e", `^[0-9a-f]{32}$`},
		{"D41D8CD98F00B204E9800998ECF8427E", `^[0-9A-F]{32}$`},
		{"6ba7b810-9dad-41d1-80b4-00c04fd430c8", `^[0-9a-f]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-f]{12}$`},
		{"12345678901234567890123456789012", `^[0-9]{32}$`},
		{"1234", `^[0-9]{29}$`},
		{"", `^[0-9A-Za-z]{17}$`},
		{"hunter2", `^[0-9a-z]{19}$`},
		{"correct-horse-battery-staple", `^[a-z]{7}-[a-z]{5}-[a-z]{7}-[a-z]{6}$`},
		{"p@ss w/rd+\"quoted\"\nand a line", `^[0-9A-Za-z]{29}$`},
		{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY==", `^[0-9A-Za-z]{42}$`},
		{"SG.abcdefghijklmnop123456.ABCDEFGHIJKLMNOP", `^SG\.[0-9a-z]{22}\.[A-Z]{16}$`},
		{"sk-short", `^[a-z]{2}-[a-z]{19}$`},
	}
	for _, tt := range tests {
		got := placeholder(tt.value)
		if !regexp.MustCompile(tt.pattern).MatchString(got) {
			t.Errorf("%q: %s, want %s", tt.value, got, tt.pattern)
		}
		if got != placeholder(tt.value) {
			t.Errorf("%q: not stable", tt.value)
		}
	}
}

// TestPlaceholderBinding: another key, name, project or profile gives another one.
func TestPlaceholderBinding(t *testing.T) {
	v := NewValue([]byte("sk_live_51H8fYt2eZvKYlo2C0aBcDeFgHiJkLmN"))
	all := []Placeholder{
		NewPlaceholder(testKey, "A", "p", "q", v), NewPlaceholder([]byte("other"), "A", "p", "q", v),
		NewPlaceholder(testKey, "B", "p", "q", v), NewPlaceholder(testKey, "A", "pq", "", v),
		NewPlaceholder(testKey, "A", "p", "r", v), NewPlaceholder(testKey, "Ap", "", "q", v),
	}
	seen := map[Placeholder]bool{}
	for _, p := range all {
		seen[p] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d differ", len(seen), len(all))
	}
	again := NewValue([]byte("sk_live_00000000ZZZZZZZZ00000000aaaaaaaa"))
	if NewPlaceholder(testKey, "A", "p", "q", again) != all[0] {
		t.Error("a rotated value of the same shape gets another placeholder")
	}
}

// TestPickIsFair: no remainder makes some characters likelier.
func TestPickIsFair(t *testing.T) {
	s := newStream(testKey, "fair")
	count := map[byte]int{}
	const rounds = 62 * 2000
	for range rounds {
		count[s.pick(base62)]++
	}
	for c, n := range count {
		if n < 1700 || n > 2300 {
			t.Errorf("%c came %d times, expected about 2000", c, n)
		}
	}
	if len(count) != 62 {
		t.Errorf("%d characters", len(count))
	}
}

// shared finds a run of letters and digits of at least n bytes that out has
// from in.
func shared(in, out string, n int) string {
	for i := 0; i+n <= len(in); i++ {
		run := in[i : i+n]
		if part, _ := nextPart(run); part == run && strings.Contains(out, run) {
			return run
		}
	}
	return ""
}

func FuzzPlaceholder(f *testing.F) {
	for _, s := range []string{"", "1234", "sk_live_51H8fYt2eZvKYlo2C0aBcDeFgHiJkLmN", "postgres://u:p@h/d", "\xff\x00", "a-b_c.d"} {
		f.Add(s, "KEY", "shop", "claude")
	}
	f.Fuzz(func(t *testing.T, value, name, project, profile string) {
		if len(value) > 4096 {
			return // shared is quadratic
		}
		v := NewValue([]byte(value))
		p := string(NewPlaceholder(testKey, Name(name), project, profile, v))
		if len(p) < len(value) || len(p) > max(len(value), 32)+32 {
			t.Fatalf("%d bytes for %d", len(p), len(value))
		}
		if len(p) > len(value) && len(value) > 200 {
			t.Fatalf("%d bytes for %d", len(p), len(value))
		}
		for i := range len(p) {
			if !isAlnum(p[i]) && !strings.ContainsRune("_-.", rune(p[i])) {
				t.Fatalf("byte %q", p[i])
			}
		}
		_, secret := cutPrefix(value)
		if run := shared(secret, p, 12); run != "" {
			t.Fatalf("%q is in value and placeholder", run)
		}
	})
}

func TestFake(t *testing.T) {
	pem := "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\nAwEHoUQDQgAEPR3tU2Fta9ktY==\n-----END EC PRIVATE KEY-----\n"
	tests := []struct{ value, pattern string }{
		{"postgres://shop:s3cr3t@db.internal:5432/shop_2024?sslmode=require", `^postgres://[a-z]{4}:[0-9a-z]{6}@db\.internal:5432/shop_2024\?sslmode=require$`},
		{"mongodb+srv://u:p/a:s@s@a.example,b.example/db?w=majority", `^mongodb\+srv://[a-z]:[a-z]/[a-z]:[a-z]@[a-z]@a\.example,b\.example/db\?w=majority$`},
		{"redis://:hunter@localhost:6379/0", `^redis://:[a-z]{6}@localhost:6379/0$`},
		{"http://localhost:3333/api", `^http://localhost:3333/api$`},
		{"https://hooks.example.com/services/T00000000/abcdefgh12345678", `^https://hooks\.example\.com/services/[0-9A-Z]{9}/[0-9a-z]{16}$`},
		{"jdbc:postgresql://h/db?user=shop&password=hunter", `^jdbc:postgresql://h/db\?user=[a-z]{4}&password=[a-z]{6}$`},
		{"host=db port=5432 user=shop password=hunter2 sslmode=require", `^host=db port=5432 user=[a-z]{4} password=[0-9a-z]{7} sslmode=require$`},
		{"Server=db;Database=shop;Password=Geheim1;", `^Server=db;Database=shop;Password=[0-9A-Za-z]{7};$`},
		{"d41d8cd98f00b204e9800998ecf8427e", `^[0-9a-f]{32}$`},
		{"0042", `^[0-9]{4}$`},
		{"", `^$`},
		{"---", `^----fake$`},
		{"whsec_0123456789abcdefXYZ", `^whsec_[0-9A-Za-z]{19}$`},
		{pem, `^-----BEGIN EC PRIVATE KEY-----\n[0-9A-Za-z]{64}\n[0-9A-Za-z]{25}==\n-----END EC PRIVATE KEY-----\n$`},
		{strings.ReplaceAll(pem, "\n", `\n`), `^-----BEGIN EC PRIVATE KEY-----\\n[0-9A-Za-z]{64}\\n[0-9A-Za-z]{25}==\\n-----END EC PRIVATE KEY-----\\[a-z]$`},
	}
	for _, tt := range tests {
		got := fake(tt.value)
		if !regexp.MustCompile(tt.pattern).MatchString(got) {
			t.Errorf("%q: %q, want %s", tt.value, got, tt.pattern)
		}
		if got != fake(tt.value) {
			t.Errorf("%q: not stable", tt.value)
		}
	}
}

func TestFakeJWT(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64([]byte(`{"sub":"1234567890","name":"Ada"}`)) + "." + b64([]byte("0123456789abcdef0123456789abcdef"))
	parts := strings.Split(fake(token), ".")
	if len(parts) != 3 || !strings.HasPrefix(token, parts[0]+".") {
		t.Fatalf("%v", parts)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !json.Valid(claims) || strings.Contains(string(claims), "Ada") {
		t.Errorf("claims %s %v", claims, err)
	}
	if sig, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(sig) != 32 {
		t.Errorf("signature of %d bytes, %v", len(sig), err)
	}
}

func TestFakeJSON(t *testing.T) {
	in := `{"type": "service_account", "project_id": "shop-123456", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIB\n-----END PRIVATE KEY-----\n", "n": 1234, "ok": true, "deep": {"a": ["secret1", null]}}`
	var real, made map[string]any
	if err := json.Unmarshal([]byte(in), &real); err != nil {
		t.Fatal(err)
	}
	out := fake(in)
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for k := range real {
		if _, ok := made[k]; !ok {
			t.Errorf("field %s is gone", k)
		}
	}
	if made["type"] != "service_account" || made["ok"] != true || !strings.HasPrefix(fmt.Sprint(made["private_key"]), "-----BEGIN PRIVATE KEY-----\n") {
		t.Errorf("%s", out)
	}
	for _, leak := range []string{"123456", "MIIEvQIB", "secret1", "1234"} {
		if strings.Contains(out, leak) {
			t.Errorf("%s is still in %s", leak, out)
		}
	}
}

func FuzzFake(f *testing.F) {
	for _, s := range []string{"", "a", "postgres://u:p@h/d?x=y", `{"a":"b"}`, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "host=a password=b", "-----BEGIN A-----\nx\n-----END A-----", `["\u0041"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > 4096 {
			return // shared is quadratic
		}
		got := fake(value)
		if got == value && value != "" && !strings.ContainsAny(value, ":={[-") {
			t.Fatalf("%q is its own fake", value)
		}
		if got != fake(value) {
			t.Fatal("not stable")
		}
		if json.Valid([]byte(value)) && strings.HasPrefix(strings.TrimSpace(value), "{") && !json.Valid([]byte(got)) {
			t.Fatalf("%q was JSON, %q is not", value, got)
		}
		if u, err := url.Parse(value); err == nil && u.User != nil && u.Host != "" {
			if p, _ := u.User.Password(); shared(p, got, 12) != "" {
				t.Fatalf("%q keeps its password in %q", value, got)
			}
		}
	})
}

// A prefix says whose key it is; a word of a passphrase says more than that.
func TestWordPrefix(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"pay_live_4eC39HqLyjWDarjtT1zdp7dc", "pay_live_"},
		{"acme_key_4eC39HqLyjWDarjtT1zdp7dc", "acme_key_"},
		{"my_dog_Fluffy2019Fluffy2019", ""},
		{"correct_horse_test_battery_staple", ""},
		{"pay_live_short1234", ""},
	} {
		if prefix, rest := cutPrefix(c.value); prefix != c.want || prefix+rest != c.value {
			t.Errorf("%s: prefix %q, want %q", c.value, prefix, c.want)
		}
	}
}
