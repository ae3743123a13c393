package tree

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is how a file is written.
type Format string

// The formats. Binary is any content as one value of a JSON file.
const (
	YAML   Format = "yaml"
	JSON   Format = "json"
	Dotenv Format = "dotenv"
	INI    Format = "ini"
	Binary Format = "binary"
)

// MaxFile is the most bytes of a file, encrypted or not.
const MaxFile = 16 << 20

// FormatOf goes by a file's name as sops does; what it does not know is Binary.
func FormatOf(path string) Format {
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case ext == ".yaml", ext == ".yml":
		return YAML
	case ext == ".json":
		return JSON
	case ext == ".env":
		return Dotenv
	case ext == ".ini":
		return INI
	}
	return Binary
}

// Load reads the documents of a file: one, but of YAML any number above none.
func Load(f Format, b []byte) (docs []Branch, err error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("it has more than %d MiB", MaxFile>>20)
	}
	switch f {
	case YAML:
		docs, err = loadYAML(b)
	case JSON:
		docs, err = loadJSON(b)
	case Dotenv:
		docs, err = loadDotenv(b)
	case INI:
		docs, err = loadINI(b)
	case Binary:
		docs = []Branch{{{"data", string(b)}}}
	default:
		return nil, fmt.Errorf("%q is no format of sops", f)
	}
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("it is empty")
	}
	return docs, err
}

// Emit writes them.
func Emit(f Format, docs []Branch) ([]byte, error) {
	switch f {
	case YAML:
		return emitYAML(docs)
	case JSON:
		return emitJSON(docs)
	case Dotenv:
		return emitDotenv(docs)
	case INI:
		return emitINI(docs)
	}
	data, ok := docs[0].Get("data").(string)
	if !ok {
		return nil, fmt.Errorf("it is no binary file of sops: there is no data in it")
	}
	return []byte(data), nil
}
