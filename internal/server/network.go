package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
)

// Network serves s on TCP: only the dialect, a token for every route but the
// way to get one, no name but those of hosts in the field Host, and nothing for
// web pages.
type Network struct {
	Server *Server
	Hosts  []string // besides localhost and the address itself; without port
}

// ServeHTTP marks the request as one of the network.
func (n *Network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ip, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !n.known(r) {
		n.Server.fail(w, r, &api.Error{Code: api.Denied, Status: http.StatusMisdirectedRequest, Name: "Misdirected",
			Message: "this server does not answer for that host"})
		return
	}
	n.Server.ServeHTTP(w, r.WithContext(withRemote(r.Context(), ip.Addr().Unmap())))
}

// known keeps names that an attacker points at this address (DNS rebinding)
// from being taken for this server's.
func (n *Network) known(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if host == "localhost" || slices.Contains(n.Hosts, host) {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	ip, err2 := netip.ParseAddr(host)
	return err == nil && err2 == nil && at.Addr().Unmap() == ip.Unmap()
}

// Serve answers on l until ctx ends, then lets requests in flight end.
func (n *Network) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: n, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		n.Server.End()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(grace)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
