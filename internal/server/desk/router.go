package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route is one way to ask. Its pattern has {words} for segments, {rest...} for
// all that follow. Unlike those of http.ServeMux, patterns may overlap: at the
// first segment where they differ, the one that spells it out wins.
type Route struct {
	Method, Pattern string
	Handler         Handler
	Anytime         bool // also without a vault
}

// Router finds the route of a request.
type Router struct{ routes []route }

type route struct {
	Route
	segments []string
}

// NewRouter sorts routes such that the first that matches is the right one.
func NewRouter(routes []Route) *Router {
	r := &Router{}
	for _, one := range routes {
		r.routes = append(r.routes, route{one, strings.Split(one.Pattern, "/")})
	}
	slices.SortStableFunc(r.routes, func(a, b route) int { return slices.CompareFunc(a.segments, b.segments, compare) })
	return r
}

// compare puts what is spelt out before {words}, and those before {rest...}.
func compare(a, b string) int {
	rank := func(s string) int {
		switch {
		case strings.HasSuffix(s, "...}"):
			return 2
		case strings.HasPrefix(s, "{"):
			return 1
		}
		return 0
	}
	return rank(a) - rank(b)
}

// Find returns the route of a request and sets its path values.
func (r *Router) Find(req *http.Request) (Route, bool) {
	segments := strings.Split(req.URL.EscapedPath(), "/")
	for _, one := range r.routes {
		if one.Method == req.Method && one.matches(segments) {
			if !one.fill(req, segments) {
				break
			}
			req.Pattern = one.Method + " " + one.Pattern
			return one.Route, true
		}
	}
	return Route{}, false
}

func (r route) matches(segments []string) bool {
	for i, want := range r.segments {
		switch {
		case strings.HasSuffix(want, "...}"):
			return i < len(segments)
		case i >= len(segments), want != segments[i] && !strings.HasPrefix(want, "{"), segments[i] == "" && i > 0:
			return false
		}
	}
	return len(segments) == len(r.segments)
}

func (r route) fill(req *http.Request, segments []string) bool {
	for i, name := range r.segments {
		if !strings.HasPrefix(name, "{") {
			continue
		}
		text := segments[i]
		if strings.HasSuffix(name, "...}") {
			text = strings.Join(segments[i:], "/")
		}
		value, err := url.PathUnescape(text)
		if err != nil {
			return false
		}
		req.SetPathValue(strings.TrimSuffix(strings.Trim(name, "{}"), "..."), value)
	}
	return true
}
