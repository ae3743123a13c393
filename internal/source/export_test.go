package source

import "net/http"

// WithTransport is w with all its requests going through rt.
func WithTransport(w World, rt http.RoundTripper) World {
	w.transport = rt
	return w
}
