package secret

import "fmt"

// MaxName is the longest name accepted, in bytes, as in the Infisical dialect.
const MaxName = 255

// Name is a secret's key within a folder, such as STRIPE_SECRET_KEY.
type Name string

// ParseName accepts letters, digits, '_', '-' and '.', at most MaxName bytes.
// Names travel in URLs, dotenv files and environments, so nothing else is safe
// in all three.
func ParseName(s string) (Name, error) {
	if s == "" {
		return "", fmt.Errorf("secret name is empty")
	}
	if len(s) > MaxName {
		return "", fmt.Errorf("secret name is %d bytes long, at most %d are allowed", len(s), MaxName)
	}
	for i, c := range []byte(s) {
		if !nameByte(c) {
			return "", fmt.Errorf("secret name: byte %d is not a letter, digit, '_', '-' or '.'", i+1)
		}
	}
	return Name(s), nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '-' || c == '.'
}
