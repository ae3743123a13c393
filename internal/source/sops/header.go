package sops

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

const (
	metaKey    = "sops"   // the mapping beside the data
	metaPrefix = "sops_"  // of its names in dotenv
	version    = "3.13.3" // of the sops whose format this is
	maxEntries = 1024
)

// header is what stands beside the data: how the data key is wrapped, which
// values are encrypted and the MAC. meta is all of it as it was read, so that
// what is not understood here survives.
type header struct {
	meta          tree.Branch
	groups        [][]entry
	threshold     int
	choose        *chooser
	mac, modified string
	macOnlySecret bool
}

// entry is the data key, or a share of it, wrapped for one key.
type entry struct {
	recipient, wrapped string // "" for other than age
}

// otherKeys are ways of wrapping that this package reads over.
var otherKeys = [...]string{"kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp"}

var errPlain = errors.New("it is not encrypted by sops: there is no \"sops\" in it")

// takeHeader removes the metadata from the documents and reads it.
func takeHeader(f Format, docs []tree.Branch) (*header, error) {
	meta := takeMeta(f, docs)
	if meta == nil {
		return nil, errPlain
	}
	if f == INI || f == Dotenv {
		var err error
		if meta, err = tree.Unflatten(meta); err != nil {
			return nil, err
		}
	}
	h, err := readHeader(meta)
	if err != nil {
		return nil, fmt.Errorf("its sops metadata: %w", err)
	}
	return h, nil
}

func takeMeta(f Format, docs []tree.Branch) (meta tree.Branch) {
	for i, d := range docs {
		var rest tree.Branch
		for _, it := range d {
			name, _ := it.Key.(string)
			short, flat := strings.CutPrefix(name, metaPrefix)
			sub, isBranch := it.Value.(tree.Branch)
			switch {
			case f == Dotenv && flat:
				meta = append(meta, tree.Item{Key: short, Value: it.Value})
			case f != Dotenv && name == metaKey:
				if i == 0 && isBranch && meta == nil {
					meta = sub
				}
			default:
				rest = append(rest, it)
			}
		}
		docs[i] = rest
	}
	if f == INI {
		for i := range meta {
			if s, ok := meta[i].Value.(string); ok {
				meta[i].Value = strings.ReplaceAll(s, `\n`, "\n")
			}
		}
	}
	return meta
}

func readHeader(meta tree.Branch) (*header, error) {
	h := &header{meta: meta, mac: metaText(meta, "mac"), macOnlySecret: isTrue(metaText(meta, "mac_only_encrypted"))}
	at, err := time.Parse(time.RFC3339, metaText(meta, "lastmodified"))
	if err != nil {
		return nil, errors.New("lastmodified is no time")
	}
	h.modified = at.Format(time.RFC3339)
	if n := metaText(meta, "shamir_threshold"); n != "" {
		if h.threshold, err = strconv.Atoi(n); err != nil || h.threshold < 0 {
			return nil, errors.New("shamir_threshold is no number")
		}
	}
	if h.groups, err = readGroups(meta); err != nil {
		return nil, err
	}
	var s Selector
	for _, f := range s.fields() {
		*f.to = metaText(meta, f.name)
	}
	h.choose, err = s.ready()
	return h, err
}

func readGroups(meta tree.Branch) (groups [][]entry, err error) {
	one, err := readGroup(meta)
	if err != nil || len(one) > 0 {
		return [][]entry{one}, err
	}
	list, _ := meta.Get("key_groups").([]any)
	total := 0
	for _, g := range list {
		b, isBranch := g.(tree.Branch)
		if _, isComment := g.(tree.Comment); isComment {
			continue
		}
		if !isBranch {
			return nil, errors.New("key_groups is no list of mappings")
		}
		one, err := readGroup(b)
		if err != nil {
			return nil, err
		}
		if total += len(one); total > maxEntries {
			return nil, fmt.Errorf("more than %d keys", maxEntries)
		}
		groups = append(groups, one)
	}
	if len(groups) == 0 {
		return nil, errors.New("it names no key")
	}
	return groups, nil
}

func readGroup(b tree.Branch) (group []entry, err error) {
	for _, other := range otherKeys {
		list, _ := b.Get(other).([]any)
		for range list {
			group = append(group, entry{})
		}
	}
	list, _ := b.Get("age").([]any)
	for _, e := range list {
		if b, ok := e.(tree.Branch); ok {
			group = append(group, entry{metaText(b, "recipient"), metaText(b, "enc")})
		}
	}
	if len(group) > maxEntries {
		return nil, fmt.Errorf("more than %d keys", maxEntries)
	}
	return group, nil
}

// metaText reads a value of the metadata, which in flat formats is always text.
func metaText(b tree.Branch, name string) string {
	switch v := b.Get(name).(type) {
	case nil, tree.Branch, []any, tree.Comment:
		return ""
	default:
		return tree.Text(v)
	}
}

func isTrue(s string) bool { v, _ := strconv.ParseBool(s); return v }

// stamp renews what changes with the content.
func (h *header) stamp(mac string) {
	h.meta = h.meta.Set("lastmodified", h.modified).Set("mac", mac).Set("version", version)
}

// putHeader adds the metadata to every document, as sops does.
func putHeader(f Format, docs []tree.Branch, meta tree.Branch) ([]tree.Branch, error) {
	var items tree.Branch
	switch f {
	case Dotenv:
		flat, err := tree.Flatten(meta, metaPrefix)
		if err != nil {
			return nil, err
		}
		items = flat
	case INI:
		flat, err := tree.Flatten(meta, "")
		if err != nil {
			return nil, err
		}
		for i := range flat {
			if s, ok := flat[i].Value.(string); ok {
				flat[i].Value = strings.ReplaceAll(s, "\n", `\n`)
			}
		}
		items = tree.Branch{{Key: metaKey, Value: flat}}
	default:
		items = tree.Branch{{Key: metaKey, Value: meta}}
	}
	out := make([]tree.Branch, len(docs))
	for i, d := range docs {
		out[i] = append(d[:len(d):len(d)], items...)
	}
	return out, nil
}

// reserved finds a name in plain data that would be taken for metadata.
func reserved(f Format, docs []tree.Branch) error {
	for _, d := range docs {
		for _, it := range d {
			name, _ := it.Key.(string)
			if f == Dotenv && strings.HasPrefix(name, metaPrefix) || f != Dotenv && name == metaKey {
				return fmt.Errorf("%s: sops keeps that name for itself; is the file encrypted already?", name)
			}
		}
	}
	return nil
}
