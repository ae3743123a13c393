package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
)

// record is one line of the log: what arrived, and whether it held the key.
// It has no field that could hold the key itself.
type record struct {
	Host   string `json:"host"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Via    string `json:"via,omitempty"` // what the client called itself: ?via=curl
	Key    string `json:"key"`           // real, wrong or none
	Status int    `json:"status"`
}

// requestLog writes one JSON line per request. It is safe for concurrent use.
type requestLog struct {
	mu   sync.Mutex
	file *os.File
	host string
}

func openLog(path, host string) (*requestLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &requestLog{file: file, host: host}, nil
}

// add logs before the answer is sent, so that a client which has its answer
// finds its line.
func (l *requestLog) add(r *http.Request, key string, status int) error {
	line, err := json.Marshal(record{
		Host:   l.host,
		Method: r.Method,
		Path:   r.URL.Path,
		Via:    strings.ToValidUTF8(r.URL.Query().Get("via"), ""),
		Key:    key,
		Status: status,
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.file.Write(append(line, '\n'))
	return err
}
