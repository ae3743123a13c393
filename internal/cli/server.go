package cli

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

// serving is what the flags of server say.
type serving struct {
	listen, cert, key string
	hosts             []string
	exact             bool
}

func newServer() *cobra.Command {
	var f serving
	cmd := &cobra.Command{
		Use: "server", Short: "Answer machines over the network, as an Infisical server would", Args: nothing,
		Long: "Answer on TCP what Infisical's clients ask: its SDKs, command line and Terraform provider work\n" +
			"against it (doc/compatibility.md). Who asks needs the token of an identity; web pages, and names\n" +
			"in Host that are not this machine's or named with --host, are refused. The vault is opened by\n" +
			"this process with the passphrase, asked for here or from BAILEY_PASSPHRASE_FILE, and closed\n" +
			"when it ends; bailey lock locks the daemon's, not this one.",
		Example: "  bailey identity add ci --role viewer > ci.env\n  bailey server --listen 127.0.0.1:8443",
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8222", "`address` and port; other than loopback only with TLS")
	cmd.Flags().StringSliceVar(&f.hosts, "host", nil, "further `names` under which clients know this server")
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "certificate chain, a PEM `file`")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "its key, a PEM `file`")
	cmd.Flags().BoolVar(&f.exact, "exact", false, "answer as the original also where doc/compatibility.md says it is worse")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.serve(cmd.Context()) }
	return cmd
}

func (f *serving) serve(ctx context.Context) error {
	if !vault.Exists(home.Vault()) {
		return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one, and import your .env, with: bailey init")
	}
	daemon.Harden()
	l, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	opts := serverOptions()
	opts.Exact = f.exact
	s := server.New(opts)
	inProcess = append(inProcess, s)
	if err := unlockHere(ctx, s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	n := &server.Network{Server: s}
	for _, h := range f.hosts {
		n.Hosts = append(n.Hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	scheme := "http"
	if f.cert != "" {
		scheme = "https"
	}
	term.Std().Notef("listening on %s://%s", scheme, l.Addr())
	return n.Serve(ctx, l)
}

// open listens, and refuses to carry secrets in the clear over a network.
func (f *serving) open(ctx context.Context) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", f.listen)
	if err != nil {
		return nil, api.Usagef("--listen: %s", err)
	}
	switch {
	case (f.cert == "") != (f.key == ""):
		return nil, api.Usagef("--tls-cert and --tls-key belong together")
	case f.cert == "" && !addr.IP.IsLoopback():
		return nil, api.Errorf(api.Denied, "listening on %s without TLS would send secrets in the clear", addr).
			WithHint("give --tls-cert and --tls-key, or listen on 127.0.0.1 behind something that does TLS")
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", addr.String())
	if err != nil || f.cert == "" {
		return l, err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		_ = l.Close()
		return nil, api.Errorf(api.Invalid, "--tls-cert: %s", err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}

// unlockHere opens the vault of a server in this process.
func unlockHere(ctx context.Context, s *server.Server) error {
	client := api.New(s.Transport(), api.LocalBase)
	for try := 0; ; try++ {
		passphrase, err := passphraseHere(ctx, try)
		if err != nil {
			return err
		}
		err = client.Unlock(ctx, passphrase)
		if !api.IsCode(err, api.Denied) || headless() || try == 2 {
			return err
		}
	}
}

func passphraseHere(ctx context.Context, try int) (secret.Value, error) {
	if headless() {
		return daemon.ReadPassphrase(os.Getenv(daemon.PassphraseVariable))
	}
	if !term.Std().CanAsk() {
		return secret.Value{}, api.Errorf(api.Locked, "the vault is locked and nobody can be asked").
			WithHint("set %s to a file with the passphrase", daemon.PassphraseVariable)
	}
	return askPassphrase(ctx, try)
}
