package survey

import (
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

func TestClassify(t *testing.T) {
	for name, want := range map[string]string{
		".env": "development 0", ".env.local": "development 2", ".env.development": "development 1", ".env.dev.local": "development 3",
		".env.test": "test 1", ".env.staging": "staging 1", ".env.prod": "production 1", ".env.production.local": "production 3", ".env.qa": "qa 1",
		".env.example": " 0", ".env.local.example": " 0", ".env.sample": " 0", ".env.vault": " 0", ".env.age": " 0",
	} {
		environment, rank, why := Classify(name)
		if got := environment + " " + string(rune('0'+rank)); got != want || why != "" {
			t.Errorf("%s: %q (%s), want %q", name, got, why, want)
		}
	}
	for _, name := range []string{".envrc", ".env.bak", ".env~", ".env.old", ".env.local.swp", ".env.keys", ".env.a.b", ".env.UPPER", ".env_old"} {
		if environment, _, why := Classify(name); environment != "" || why == "" {
			t.Errorf("%s: %q, %q", name, environment, why)
		}
	}
}

func TestPublicErrsOnTheSideOfTheVault(t *testing.T) {
	for name, values := range map[string][]string{
		"PORT": {"3000"}, "NODE_ENV": {"development"}, "DEBUG": {"true", "app:*"}, "API_URL": {"http://localhost:3333", "https://127.0.0.1:1/api"},
		"VITE_TITLE": {"My shop"}, "NEXT_PUBLIC_STRIPE_KEY": {"pk_test_1"}, "FEATURE_X": {"on"}, "RETRIES": {"5"}, "LOG_LEVEL": {"info"},
	} {
		for _, v := range values {
			if !Public(name, value(v)) {
				t.Errorf("%s=%s is not public", name, v)
			}
		}
	}
	for name, values := range map[string][]string{
		"STRIPE_SECRET_KEY": {"true", "1"}, "PIN": {"1234"}, "TOKEN": {"on"}, "PASSWORD": {"12345"}, "API_KEY": {"1"}, "ACCOUNT_ID": {"12345"},
		"API_URL":      {"http://user:pass@localhost:1", "http://localhost:1/?token=x", "https://api.example/x", "http://localhost:1/" + strings.Repeat("a", 40)},
		"DATABASE_URL": {"postgres://localhost/x"}, "EMPTY": {""}, "NODE_ENV": {"a\nb"}, "VITE_SECRET": {"x"}, "NUMBER": {"123456"},
		"LOG_LEVEL": {strings.Repeat("x", 65)}, "LD_DEBUG": {"1"}, "NPM_CONFIG_X": {"true"}, "PATH": {"1"},
	} {
		for _, v := range values {
			if Public(name, value(v)) {
				t.Errorf("%s=%s would be committed", name, v)
			}
		}
	}
}

func TestKnown(t *testing.T) {
	for name, want := range map[string]string{
		"STRIPE_SECRET_KEY": "placeholder api.stripe.com", "STRIPE_WEBHOOK_SECRET": "fake ", "JWT_SECRET": "fake ", "openai_api_key": "placeholder api.openai.com",
		"ANTHROPIC_API_KEY": "placeholder api.anthropic.com", "GITHUB_TOKEN": "placeholder api.github.com github.com", "MY_OWN": "placeholder ",
		"TEST_DATABASE_URL": "fake ", "SESSION_SECRET": "fake ",
	} {
		s := Known(secret.Name(name))
		if got := s.Kind() + " " + strings.Join(s.Hosts, " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if s := Entry("STORE", value("postgresql://u:p@db/x")); s.Agent != manifest.AgentFake {
		t.Errorf("an address of a database: %+v", s)
	}
}

// TestTableIsValid has every host of the table accepted by policy.
func TestTableIsValid(t *testing.T) {
	for _, k := range known {
		for _, h := range strings.Fields(k.hosts) {
			if _, err := policy.ParseHost(h); err != nil {
				t.Errorf("%s: %v", k.pattern, err)
			}
		}
	}
}

func value(s string) secret.Value { return secret.NewValue([]byte(s)) }
