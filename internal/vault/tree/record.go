package tree

import (
	"crypto/rand"

	"github.com/bailey-project/bailey/internal/vault/envelope"
)

// What follows is the JSON in sealed records. Times are milliseconds since
// 1970. Fields may be added, never renamed.

type projectRecord struct {
	Slug    string `json:"slug"`
	Name    string `json:"name"`
	Key     []byte `json:"key"` // data key of the originals
	Created int64  `json:"created"`
	Updated int64  `json:"updated"`
}

type environmentRecord struct {
	Project  ID     `json:"project"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Position int    `json:"position"`
	Key      []byte `json:"key"` // data key of folders and secrets
	Created  int64  `json:"created"`
	Updated  int64  `json:"updated"`
}

type folderRecord struct {
	Path    string `json:"path"`
	Parent  ID     `json:"parent,omitempty"`
	Created int64  `json:"created"`
	Updated int64  `json:"updated"`
}

type secretRecord struct {
	Path          string     `json:"path"`
	Name          string     `json:"name"`
	Value         []byte     `json:"value,omitempty"`
	Comment       string     `json:"comment,omitempty"`
	Metadata      []Metadata `json:"metadata,omitempty"`
	SkipMultiline bool       `json:"skipMultiline,omitempty"`
	Deleted       bool       `json:"deleted,omitempty"`
	Actor         string     `json:"actor"`
	Created       int64      `json:"created"`
	Updated       int64      `json:"updated"`
	Previous      []byte     `json:"previous,omitempty"` // mark of the version before
}

type originalRecord struct {
	Path    string `json:"path"`
	Mode    uint32 `json:"mode"`
	Size    int    `json:"size"`
	Saved   int64  `json:"saved"`
	Content []byte `json:"content"` // SHA-256 of the sealed attachment
}

func newKey() ([]byte, error) {
	k := make([]byte, envelope.KeySize)
	_, err := rand.Read(k)
	return k, err
}
