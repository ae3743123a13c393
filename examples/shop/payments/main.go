// Command payments is the payments API of the example shop: HTTPS on
// loopback, one key, and a log of who came with it.
//
// It is not part of Bailey and imports nothing of it: it is the far end that
// the demonstration and the benchmark measure against, so its log is the
// truth about what arrived. The key is read from a file and never written,
// not to the log either.
package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

type options struct {
	name   string // the host's name, for which the certificate is made
	listen string
	dir    string // receives ca.pem, addr and log.jsonl
	key    string // a file that holds the key
}

func main() {
	var o options
	flag.StringVar(&o.name, "name", "payments.test", "host `name` in the certificate")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&o.dir, "dir", ".", "`directory` for ca.pem, addr and log.jsonl")
	flag.StringVar(&o.key, "key", "", "`file` that holds the key to accept")
	flag.Parse()
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, "payments:", err)
		os.Exit(1)
	}
}

func serve(o options) error {
	key, err := os.ReadFile(o.key)
	if err != nil {
		return err
	}
	record, err := openLog(filepath.Join(o.dir, "log.jsonl"), o.name)
	if err != nil {
		return err
	}
	cert, ca, err := newCertificate(o.name)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	if err := announce(o.dir, ca, listener.Addr().String()); err != nil {
		return err
	}
	server := &http.Server{
		Handler:   newHandler(string(bytes.TrimSpace(key)), record),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	return server.ServeTLS(listener, "", "")
}

// announce writes addr last and by rename: who sees it can connect.
func announce(dir string, ca []byte, addr string) error {
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o644); err != nil {
		return err
	}
	part := filepath.Join(dir, "addr.part")
	if err := os.WriteFile(part, []byte(addr), 0o644); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, "addr"))
}
