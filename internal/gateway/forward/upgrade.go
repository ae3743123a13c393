package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/gateway/swap"
)

// isWebSocket reports whether a request asks for RFC 6455 over HTTP/1.1.
func isWebSocket(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		len(r.Header["Upgrade"]) == 1 && r.Header.Get("Sec-Websocket-Key") != ""
}

// tunnel passes an accepted WebSocket in both directions until one side ends.
// What comes from outside is searched for values, which stand in the clear in a
// server's frames; a placeholder of the same length keeps the frames whole. What
// goes out is masked and passes as it is.
func (x *exchange) tunnel(resp *http.Response) {
	outside, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	found := x.copyHead(resp)
	x.scrubbed(found)
	inside, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		_ = outside.Close()
		panic(http.ErrAbortHandler)
	}
	h := x.w.Header()
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	delete(h, "Content-Type")
	delete(h, "Date")
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(rw)
	_, _ = rw.WriteString("\r\n")
	if rw.Flush() == nil {
		x.relay(inside, rw.Reader, outside)
	}
	_ = inside.Close()
	_ = outside.Close()
}

func (x *exchange) relay(inside net.Conn, early *bufio.Reader, outside io.ReadWriteCloser) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(outside, early) // what was read ahead comes first
		_ = inside.Close()
		_ = outside.Close()
	})
	var from io.Reader = outside
	if x.tables.in != nil {
		a := &swap.Answer{}
		a.Reset(outside, x.tables.in, true)
		a.LiveStream()
		defer func() { x.scrubbed(a.Found()) }()
		from = a
	}
	_, _ = io.Copy(inside, from)
	_ = inside.Close()
	_ = outside.Close()
	wg.Wait()
}
