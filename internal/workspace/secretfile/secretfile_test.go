package secretfile

import (
	"bytes"
	"testing"
)

func TestOf(t *testing.T) {
	for rel, want := range map[string]Kind{
		".env": Dotenv, "a/.ENV": Dotenv, ".env.production.local": Dotenv, "x.env": Dotenv, ".envrc": Dotenv, ".env.example": None, ".env.sample": None,
		".env.d.ts": None, "env.ts": None, ".environment": None, "environment": None, ".npmrc": Npmrc, "id_rsa": Masked, "id_rsa.pub": None,
		"config/credentials/production.key": Masked, "config/x.key": Key, "ca.pem": Key, "my-service-account.json": JSON, "package.json": None,
		"kubeconfig": Masked, "x.tfvars": Masked, "x.tf": None, "main.go": None, "a": None, "": None, "keystore": None, "x.keystore": Masked,
	} {
		if got := Of(rel); got != want {
			t.Errorf("%s: %d, want %d", rel, got, want)
		}
	}
}

// What is stripped holds no canary, what is harmless stays.
func FuzzStrip(f *testing.F) {
	f.Add("//r.test/:_authToken", "canary")
	f.Fuzz(func(t *testing.T, key, value string) {
		if bytes.ContainsAny([]byte(key+value), "\r\n") || value == "" {
			return
		}
		text := []byte("registry=https://r.test/\n" + key + "_authToken=" + value + "\n")
		got := Strip(text)
		if !bytes.HasPrefix(got, []byte("registry=https://r.test/\n")) {
			t.Errorf("%q became %q", text, got)
		}
		if bytes.HasPrefix([]byte(value), []byte("${")) || len(value) < 4 {
			return // a reference, or too short to tell from the rest
		}
		if bytes.Contains(got[len("registry=https://r.test/\n"):], []byte(value)) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
