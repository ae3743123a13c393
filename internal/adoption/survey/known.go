package survey

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
)

// known is what names mean to everybody. The first pattern that fits counts,
// so exceptions stand before the rule; "*" stands for any text.
var known = []struct {
	pattern string
	agent   string
	hosts   string // separated by spaces
}{
	{"*WEBHOOK_SECRET", manifest.AgentFake, ""},
	{"*SIGNING_SECRET", manifest.AgentFake, ""},
	{"*JWT*SECRET*", manifest.AgentFake, ""},
	{"JWT_*", manifest.AgentFake, ""},
	{"*SESSION*SECRET*", manifest.AgentFake, ""},
	{"SESSION_*", manifest.AgentFake, ""},
	{"*COOKIE_SECRET*", manifest.AgentFake, ""},
	{"COOKIE_*", manifest.AgentFake, ""},
	{"*CSRF*", manifest.AgentFake, ""},
	{"*ENCRYPTION_KEY*", manifest.AgentFake, ""},
	{"*SIGNING_KEY*", manifest.AgentFake, ""},
	{"NEXTAUTH_SECRET", manifest.AgentFake, ""},
	{"AUTH_SECRET", manifest.AgentFake, ""},
	{"BETTER_AUTH_SECRET", manifest.AgentFake, ""},
	{"APP_KEY", manifest.AgentFake, ""},
	{"APP_SECRET", manifest.AgentFake, ""},
	{"SECRET_KEY", manifest.AgentFake, ""},
	{"SECRET_KEY_BASE", manifest.AgentFake, ""},
	{"DJANGO_SECRET_KEY", manifest.AgentFake, ""},
	{"RAILS_MASTER_KEY", manifest.AgentFake, ""},
	{"*_SALT", manifest.AgentFake, ""},
	{"*_PEPPER", manifest.AgentFake, ""},
	{"*DATABASE_URL*", manifest.AgentFake, ""},
	{"*DATABASE_PASSWORD", manifest.AgentFake, ""},
	{"DB_*", manifest.AgentFake, ""},
	{"PGPASSWORD", manifest.AgentFake, ""},
	{"POSTGRES_*", manifest.AgentFake, ""},
	{"MYSQL_*", manifest.AgentFake, ""},
	{"MARIADB_*", manifest.AgentFake, ""},
	{"MONGO*", manifest.AgentFake, ""},
	{"REDIS_*", manifest.AgentFake, ""},
	{"AMQP_*", manifest.AgentFake, ""},
	{"RABBITMQ_*", manifest.AgentFake, ""},
	{"STRIPE_*", "", "api.stripe.com"},
	{"OPENAI_*", "", "api.openai.com"},
	{"ANTHROPIC_*", "", "api.anthropic.com"},
	{"GEMINI_API_KEY", "", "generativelanguage.googleapis.com"},
	{"GOOGLE_API_KEY", "", "generativelanguage.googleapis.com"},
	{"MISTRAL_*", "", "api.mistral.ai"},
	{"GROQ_*", "", "api.groq.com"},
	{"OPENROUTER_*", "", "openrouter.ai"},
	{"DEEPSEEK_*", "", "api.deepseek.com"},
	{"XAI_*", "", "api.x.ai"},
	{"COHERE_*", "", "api.cohere.com"},
	{"TOGETHER_*", "", "api.together.xyz"},
	{"FIREWORKS_*", "", "api.fireworks.ai"},
	{"PERPLEXITY_*", "", "api.perplexity.ai"},
	{"REPLICATE_*", "", "api.replicate.com"},
	{"ELEVENLABS_*", "", "api.elevenlabs.io"},
	{"TAVILY_*", "", "api.tavily.com"},
	{"HF_TOKEN", "", "huggingface.co"},
	{"HUGGINGFACE_*", "", "huggingface.co"},
	{"GITHUB_TOKEN", "", "api.github.com github.com"},
	{"GH_TOKEN", "", "api.github.com github.com"},
	{"GITLAB_TOKEN", "", "gitlab.com"},
	{"RESEND_*", "", "api.resend.com"},
	{"SENDGRID_*", "", "api.sendgrid.com"},
	{"POSTMARK_*", "", "api.postmarkapp.com"},
	{"MAILGUN_*", "", "api.mailgun.net"},
	{"TWILIO_*", "", "api.twilio.com"},
	{"SLACK_*TOKEN", "", "slack.com"},
	{"DISCORD_*TOKEN", "", "discord.com"},
	{"TELEGRAM_*TOKEN", "", "api.telegram.org"},
	{"NOTION_*", "", "api.notion.com"},
	{"LINEAR_*", "", "api.linear.app"},
	{"AIRTABLE_*", "", "api.airtable.com"},
	{"PAYPAL_*", "", "api-m.paypal.com api-m.sandbox.paypal.com"},
	{"CLOUDFLARE_*", "", "api.cloudflare.com"},
	{"VERCEL_TOKEN", "", "api.vercel.com"},
	{"NETLIFY_*TOKEN", "", "api.netlify.com"},
	{"DIGITALOCEAN_*", "", "api.digitalocean.com"},
	{"HEROKU_API_KEY", "", "api.heroku.com"},
	{"PINECONE_API_KEY", "", "api.pinecone.io"},
	{"MAPBOX_*", "", "api.mapbox.com"},
	{"ALGOLIA_*", "", "*.algolia.net"},
	{"POSTHOG_*", "", "us.i.posthog.com eu.i.posthog.com"},
	{"SENTRY_AUTH_TOKEN", "", "sentry.io"},
	{"DATADOG_*", "", "api.datadoghq.com"},
	{"CLERK_SECRET_KEY", "", "api.clerk.com"},
	{"WORKOS_API_KEY", "", "api.workos.com"},
}

// Known is what bailey.yaml should say of a secret, judged by its name.
func Known(name secret.Name) manifest.Secret {
	for _, k := range known {
		if ok, _ := path.Match(k.pattern, strings.ToUpper(string(name))); ok {
			return manifest.Secret{Agent: k.agent, Hosts: strings.Fields(k.hosts)}
		}
	}
	return manifest.Secret{}
}

// Entry is Known with the value's shape taken into account: the address of a
// database is used locally, whatever it is called.
func Entry(name string, v secret.Value) manifest.Secret {
	s := Known(secret.Name(name))
	scheme, _, ok := strings.Cut(string(v.Reveal()), "://")
	databases := []string{"postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps", "sqlserver"}
	if ok && slices.Contains(databases, scheme) && len(s.Hosts) == 0 {
		s.Agent = manifest.AgentFake
	}
	return s
}

// publicPrefixes are put into browsers and apps by the frameworks that read
// them: whatever has such a name is published.
var publicPrefixes = []string{"NEXT_PUBLIC_", "VITE_", "EXPO_PUBLIC_", "REACT_APP_", "NUXT_PUBLIC_", "GATSBY_", "PUBLIC_", "STORYBOOK_"}

// publicNames are settings.
var publicNames = []string{
	"NODE_ENV", "APP_ENV", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "ENVIRONMENT", "PORT", "HOST", "HOSTNAME",
	"LOG_LEVEL", "DEBUG", "TZ", "LANG", "CI", "APP_NAME", "APP_DEBUG", "BASE_PATH", "AWS_REGION", "AWS_DEFAULT_REGION",
}

// suspicious are parts of names that keep a value in the vault whatever it
// looks like: the price of a mistake is a secret in git.
var suspicious = []string{"SECRET", "TOKEN", "PASS", "PWD", "CREDENTIAL", "PRIVATE", "SALT", "AUTH", "PIN", "CODE", "HASH", "SEED", "SIGN", "CERT", "LICENSE", "SESSION", "COOKIE"}

// Public says whether a value can stand in a committed file. It is meant to
// err on the side of the vault.
func Public(name string, v secret.Value) bool {
	upper, text := strings.ToUpper(name), string(v.Reveal())
	if text == "" || len(text) > 200 || !plainText(text) || manifest.Decides(name) {
		return false
	}
	if slices.ContainsFunc(publicPrefixes, func(p string) bool { return strings.HasPrefix(upper, p) }) {
		return !strings.Contains(upper, "SECRET") && !strings.Contains(upper, "PRIVATE")
	}
	if slices.ContainsFunc(suspicious, func(s string) bool { return strings.Contains(upper, s) }) || endsInKey(upper) {
		return false
	}
	return slices.Contains(publicNames, upper) && len(text) <= 64 || setting(text) || localURL(text)
}

// plainText is one line of printable ASCII.
func plainText(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func endsInKey(name string) bool {
	return strings.HasSuffix(name, "KEY") || strings.HasSuffix(name, "KEYS") || strings.HasSuffix(name, "_ID")
}

// setting is true for switches and small numbers.
func setting(text string) bool {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off":
		return true
	}
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && n <= 65535 && len(text) <= 5
}

// localURL is true for addresses of this machine that carry nothing.
func localURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	web := u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ws" || u.Scheme == "wss"
	local := slices.Contains([]string{"localhost", "127.0.0.1", "0.0.0.0", "[::1]", "::1"}, u.Hostname())
	return web && local && len(u.Path) <= 32
}
