package session

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/policy"
)

// config is the user's own configuration file. Unlike bailey.yaml no agent can
// reach it, so what it says is granted.
type config struct {
	// Network are hosts that every session may reach, as in agent.network.
	Network []string `yaml:"network"`
	// Limits are how much of the machine a session may take, such as
	// {memory: 8G, processes: 4000}. See limit.Names.
	Limits map[string]string `yaml:"limits"`
	// Upstreams pin hosts to an address and an authority: tests, company hosts.
	Upstreams []upstream `yaml:"upstreams"`
	// Undo says how much of a project every start may keep for undo.
	Undo undoConfig `yaml:"undo"`

	pins []gateway.Pin
}

type upstream struct {
	// Host is the name that programs inside use, with a port when not 443.
	Host string `yaml:"host"`
	// At is where it is really reached, address:port; it may be loopback.
	At string `yaml:"at"`
	// CA is a PEM file with the only authorities trusted for it.
	CA string `yaml:"ca"`
}

// maxConfig bounds the file, bytes.
const maxConfig = 1 << 20

func loadConfig() (config, error) {
	var c config
	file := home.Config()
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if len(b) > maxConfig {
		return c, fmt.Errorf("%s is over 1 MiB", file)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	for _, u := range c.Upstreams {
		p, err := u.pin()
		if err != nil {
			return c, fmt.Errorf("%s: upstream %s: %w", file, u.Host, err)
		}
		c.pins = append(c.pins, p)
	}
	return c, nil
}

func (u upstream) pin() (gateway.Pin, error) {
	host, err := policy.ParseHost(u.Host)
	if err != nil {
		return gateway.Pin{}, err
	}
	p := gateway.Pin{Host: host, At: u.At}
	if u.CA == "" {
		return p, nil
	}
	pem, err := os.ReadFile(u.CA)
	if err != nil {
		return p, err
	}
	p.CA = x509.NewCertPool()
	if !p.CA.AppendCertsFromPEM(pem) {
		return p, fmt.Errorf("%s holds no certificate", u.CA)
	}
	return p, nil
}
