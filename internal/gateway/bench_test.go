package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// The benchmarks compare a request through the gateway, with TLS terminated, a
// value put in and the answer searched, with the same request made directly, in
// one run. They report the median of single requests.

// direct is a client that goes to the outside itself, with the real value.
func (w *world) direct(http2 bool) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.ca.PEM())
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(http2)
	at := w.pin("pay.test", 443).At
	tr := &http.Transport{Protocols: &p, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "pay.test"}, DisableCompression: true, DialContext: dialTo(at)}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// bench has a server with one answer, and both clients.
func bench(b *testing.B, http2 bool) (direct, gateway *http.Client) {
	answer := slices.Repeat([]byte("{\"id\": 12345, \"object\": \"charge\"}\n"), 30)
	large := slices.Repeat(answer, 32)
	w := newWorld(b, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "Bearer "+payValue {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		rw.Header().Set("Content-Length", strconv.Itoa(max(n, 1)*len(answer)))
		if n == 0 {
			_, _ = rw.Write(answer)
		}
		for range n / 32 {
			_, _ = rw.Write(large)
		}
	}))
	return w.direct(http2), w.client(http2)
}

func request(b testing.TB, c *http.Client, url, key string) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		b.Fatal(resp.Status, err)
	}
	_ = resp.Body.Close()
}

// medians runs a and z in turns, so that what else the machine does meets both.
func medians(b *testing.B, a, z func()) {
	var as, zs []time.Duration
	for range 50 {
		a()
		z()
	}
	for b.Loop() {
		start := time.Now()
		a()
		middle := time.Now()
		z()
		as, zs = append(as, middle.Sub(start)), append(zs, time.Since(middle))
	}
	slices.Sort(as)
	slices.Sort(zs)
	p50a, p50z := as[len(as)/2], zs[len(zs)/2]
	b.ReportMetric(float64(p50a.Microseconds()), "direct-p50-µs")
	b.ReportMetric(float64(p50z.Microseconds()), "gateway-p50-µs")
	b.ReportMetric(float64(p50z)/float64(p50a), "ratio")
}

func BenchmarkKeepAlive(b *testing.B) {
	for _, http2 := range []bool{false, true} {
		b.Run(fmt.Sprintf("h2=%v", http2), func(b *testing.B) {
			direct, gateway := bench(b, http2)
			medians(b, func() { request(b, direct, "https://pay.test/", payValue) }, func() { request(b, gateway, "https://pay.test:443/", payPlace) })
		})
	}
}

func BenchmarkNewConnection(b *testing.B) {
	for _, http2 := range []bool{false, true} {
		b.Run(fmt.Sprintf("h2=%v", http2), func(b *testing.B) {
			direct, gateway := bench(b, http2)
			medians(b, func() {
				request(b, direct, "https://pay.test/", payValue)
				direct.CloseIdleConnections()
			}, func() {
				request(b, gateway, "https://pay.test:443/", payPlace)
				gateway.CloseIdleConnections()
			})
		})
	}
}

// BenchmarkParallel reports requests per second of 16 clients.
func BenchmarkParallel(b *testing.B) {
	for _, http2 := range []bool{false, true} {
		direct, gateway := bench(b, http2)
		for name, c := range map[string]*http.Client{"direct": direct, "gateway": gateway} {
			c.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			key := payPlace
			if name == "direct" {
				key = payValue
			}
			b.Run(fmt.Sprintf("h2=%v/%s", http2, name), func(b *testing.B) {
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						request(b, c, "https://pay.test:443/", key)
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
			})
		}
	}
}

// BenchmarkDownload reports megabytes per second.
func BenchmarkDownload(b *testing.B) {
	for _, http2 := range []bool{false, true} {
		direct, gateway := bench(b, http2)
		const n = 64000
		for name, c := range map[string]*http.Client{"direct": direct, "gateway": gateway} {
			key := payPlace
			if name == "direct" {
				key = payValue
			}
			b.Run(fmt.Sprintf("h2=%v/%s", http2, name), func(b *testing.B) {
				b.SetBytes(n * 34 * 30)
				for b.Loop() {
					request(b, c, "https://pay.test:443/?n="+strconv.Itoa(n), key)
				}
			})
		}
	}
}
