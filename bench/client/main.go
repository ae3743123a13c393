// Command client measures requests to one URL and prints the medians as JSON.
//
// It is a static program that reads no proxy variables and trusts what the
// system trusts, so the same file runs inside a sandbox and outside. Its
// invariant: every answer it times was a 200, which the payments API gives to
// the real key only, so inside a sandbox each timed request had its key
// injected.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"
)

// medians is the answer, in microseconds.
type medians struct {
	KeepAlive float64 `json:"keepAlive"` // a request on an open connection
	New       float64 `json:"new"`       // a request on a connection of its own
}

func main() {
	url := flag.String("url", "https://payments.test/v1/balance", "`URL` to fetch")
	ca := flag.String("ca", "", "`file` of authorities to trust besides the system's")
	n := flag.Int("n", 500, "`requests` on one connection; a tenth as many on new ones")
	flag.Parse()
	m, err := measure(*url, *ca, *n)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func measure(url, ca string, n int) (medians, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return medians{}, err
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return medians{}, err
		}
		pool.AppendCertsFromPEM(pem)
	}
	client := func(keepAlive bool) *http.Client {
		return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: pool},
			DisableKeepAlives: !keepAlive,
		}}
	}
	var m medians
	if m.KeepAlive, err = repeat(client(true), url, n); err != nil {
		return m, err
	}
	m.New, err = repeat(client(false), url, n/10)
	return m, err
}

// repeat returns the median time of n requests, after a tenth as many that
// are not counted.
func repeat(client *http.Client, url string, n int) (float64, error) {
	for range n / 10 {
		if _, err := once(client, url); err != nil {
			return 0, err
		}
	}
	times := make([]time.Duration, n)
	for i := range times {
		var err error
		if times[i], err = once(client, url); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return float64(times[n/2].Nanoseconds()) / 1e3, nil
}

func once(client *http.Client, url string) (time.Duration, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("PAYMENTS_KEY"))
	start := time.Now()
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	took := time.Since(start)
	_ = answer.Body.Close()
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return took, err
}
