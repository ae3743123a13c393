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

	Organisation ID     `json:"organisation,omitempty"` // empty: the vault's own
	Description  string `json:"description,omitempty"`
	Protected    bool   `json:"protected,omitempty"` // is not deleted
	Deleted      bool   `json:"deleted,omitempty"`
}

type environmentRecord struct {
	Project  ID     `json:"project"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Position int    `json:"position"`
	Key      []byte `json:"key"` // data key of folders and secrets
	Created  int64  `json:"created"`
	Updated  int64  `json:"updated"`
	Deleted  bool   `json:"deleted,omitempty"`
}

type folderRecord struct {
	Path        string `json:"path"`
	Parent      ID     `json:"parent,omitempty"`
	Description string `json:"description,omitempty"`
	Created     int64  `json:"created"`
	Updated     int64  `json:"updated"`
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

	Owner        string `json:"owner,omitempty"`      // of a personal secret
	References   bool   `json:"references,omitempty"` // the value is to be expanded
	Tags         []ID   `json:"tags,omitempty"`
	ReminderNote string `json:"reminderNote,omitempty"`
	ReminderDays int    `json:"reminderDays,omitempty"`
	Displaced    bool   `json:"displaced,omitempty"` // deleted, and its name is another's: found by id only
	Change       uint64 `json:"change,omitempty"`    // of the environment that wrote this version; 0 before format 2
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
