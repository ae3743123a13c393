package gateway

import (
	"io"
	"net/http"
	"sync"
	"testing"
)

// Many clients at once, on connections of their own and on shared ones, without
// one error.
func TestManyClients(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(echoing))
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		c.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 30 {
					req, _ := http.NewRequest("GET", "https://pay.test/plain", nil)
					req.Header.Set("Authorization", "Bearer "+payPlace)
					resp, err := c.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					if err != nil || string(b) != "before "+payPlace+" after" {
						t.Errorf("%q, %v", b, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	if n := w.count(Injected); n != 2*64*30 {
		t.Errorf("%d injections were reported", n)
	}
}
