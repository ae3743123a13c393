package manifest

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema is the JSON schema of bailey.yaml, for editors.
func Schema() []byte { return schema }
