// Package mint makes the certificates that the sandbox meets: a CA that lives as
// long as the session, and a leaf for each name that may be reached.
//
// It verifies nothing and stores nothing. Its invariant: the keys exist in the
// memory of this process only.
package mint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Name is the whole subject of the CA. It has no other attributes, so that Hash is
// the same for every session.
const Name = "Bailey session CA"

// Hash is the name of the CA's file in a directory of certificates as OpenSSL
// looks them up, such as /etc/ssl/certs (openssl-rehash(1)).
const Hash = "1ff13c9a.0"

// Life of the certificates. The clock of a laptop that slept may lag behind.
const (
	caLife   = 90 * 24 * time.Hour
	leafLife = 30 * 24 * time.Hour
	leafUse  = leafLife / 2
	clockLag = 24 * time.Hour
)

// Authority is a session's CA. It carries no name constraints: they could not be
// widened when a host is allowed while the session runs. It is safe for
// concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	leaf *ecdsa.PrivateKey // one key for all leaf certificates

	mu     sync.Mutex
	issued map[string]*tls.Certificate
}

// New makes an authority with keys of its own.
func New() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of the session's CA: %w", err)
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of the session's certificates: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: Name},
		NotBefore:             now.Add(-clockLag),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the session's CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making the session's CA: %w", err)
	}
	return &Authority{cert: cert, key: key, leaf: leaf, issued: map[string]*tls.Certificate{}}, nil
}

func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}

// PEM is the CA's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Certificate returns the leaf for a name or literal address that has passed
// the table of names, which bounds how many there are.
func (a *Authority) Certificate(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.issued[name]; c != nil && time.Since(c.Leaf.NotBefore) < clockLag+leafUse {
		return c, nil
	}
	c, err := a.issue(name)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for %s: %w", name, err)
	}
	a.issued[name] = c
	return c, nil
}

func (a *Authority) issue(name string) (*tls.Certificate, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		NotBefore:    now.Add(-clockLag),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		template.IPAddresses = []net.IP{addr.AsSlice()}
	} else {
		template.DNSNames = []string{name}
	}
	if len(name) <= 64 { // the longest common name (RFC 5280, appendix A.1); old programs still look at it
		template.Subject.CommonName = name
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.leaf.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leaf, Leaf: leaf}, nil
}
