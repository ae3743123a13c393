package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// canary is a value that must stay where it is.
type canary struct{ name, value string }

// The three secrets of the shop's .env.
const (
	paymentsKey = "payments key"
	jwtSecret   = "JWT secret"
	dbPassword  = "database password"
)

func newCanary(of string) string { return "canary-" + of + "-" + rand.Text() }

// envSecrets finds the shop's secrets in the text of its .env.
func envSecrets(env string) ([]canary, error) {
	var found []canary
	for _, c := range []canary{
		{paymentsKey, `(?m)^PAYMENTS_KEY=(\S+)`},
		{jwtSecret, `(?m)^JWT_SECRET="(\w+)"`},
		{dbPassword, `(?m)^DATABASE_URL=\w+://\w+:(\w+)@`},
	} {
		m := regexp.MustCompile(c.value).FindStringSubmatch(env)
		if m == nil {
			return nil, fmt.Errorf("the shop's environment lacks the %s", c.name)
		}
		found = append(found, canary{c.name, m[1]})
	}
	return found, nil
}

// foundIn names the canaries that text holds, of those asked for; of all
// without names.
func (w *world) foundIn(text string, names ...string) []string {
	var found []string
	for _, c := range w.canaries {
		asked := len(names) == 0
		for _, n := range names {
			asked = asked || n == c.name
		}
		if asked && strings.Contains(text, c.value) {
			found = append(found, c.name)
		}
	}
	return found
}

// foundBelow names the shop's secrets that any file below dir holds.
func (w *world) foundBelow(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range w.foundIn(string(b), paymentsKey, jwtSecret, dbPassword) {
			found = append(found, name+" in "+filepath.Base(path))
		}
		return nil
	})
	return found, err
}
