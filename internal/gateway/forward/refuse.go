package forward

import (
	"fmt"
	"net/http"
)

// refusal is an answer that the gateway gives itself. Its text is read by an
// agent: it says who refused, why, that trying again is of no use and what
// would help.
type refusal struct {
	status int
	what   string // "POST https://docs.python.org/x"
	reason string
	advice string
}

// Error is the reason, for the places where a refusal is found deep in a body.
func (r *refusal) Error() string { return r.reason }

func (r refusal) write(w http.ResponseWriter) {
	h := w.Header()
	clear(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Bailey", "refused")
	w.WriteHeader(r.status)
	_, _ = fmt.Fprintf(w, "Bailey, the sandbox this program runs in, did not let this request pass.\n\nRequest: %s\nReason: %s\n%s\n", r.what, r.reason, r.advice)
}

// Advice on what to do about a refusal.
const (
	adviceNoRetry = "Do not retry and do not look for a way around it: the answer will be the same."
	adviceLocked  = "Ask the user to run `bailey unlock`; then the same request works, without a restart. Until then do not retry."
	advicePin     = "If the task needs it, ask the user to pin the host to its address under upstreams: in Bailey's config.yaml."
	adviceWait    = "This is not a rule: the request may be tried again later."
	adviceKeys    = "Secrets work only toward the hosts they are bound to, and placeholders are already the right thing to send there. " + adviceNoRetry
)

// adviceAllow is the advice for what a rule would open.
func adviceAllow(hint string) string {
	if hint == "" {
		return adviceNoRetry
	}
	return adviceNoRetry + "\nIf the task needs it, ask the user to run, in another terminal: " + hint
}
