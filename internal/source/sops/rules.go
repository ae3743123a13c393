package sops

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// RulesFile is the name of the file with creation rules; the nearest one
// above a file counts.
const RulesFile = ".sops.yaml"

// rule is one of creation_rules.
type rule struct {
	PathRegex string      `yaml:"path_regex"`
	Age       stringList  `yaml:"age"`
	KeyGroups []groupRule `yaml:"key_groups"`
	Threshold int         `yaml:"shamir_threshold"`
	MACOnly   bool        `yaml:"mac_only_encrypted"`

	UnencryptedSuffix       string `yaml:"unencrypted_suffix"`
	EncryptedSuffix         string `yaml:"encrypted_suffix"`
	UnencryptedRegex        string `yaml:"unencrypted_regex"`
	EncryptedRegex          string `yaml:"encrypted_regex"`
	UnencryptedCommentRegex string `yaml:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string `yaml:"encrypted_comment_regex"`

	Other map[string]any `yaml:",inline"`
}

type groupRule struct {
	Merge []groupRule    `yaml:"merge"`
	Age   []string       `yaml:"age"`
	Other map[string]any `yaml:",inline"`
}

// stringList is a list, or one text with commas.
type stringList []string

// UnmarshalYAML reads either.
func (l *stringList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = split1(n.Value)
		return nil
	}
	var list []string
	err := n.Decode(&list)
	*l = list
	return err
}

func split1(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// ErrNoRule: no creation rule is for that file.
var ErrNoRule = errors.New("no creation rule is for this file")

// PlanFor reads .sops.yaml and finds the rule for a file, whose path is
// relative to where the rules stand. A rule with keys of other services is an
// error: a file that leaves them out would lock their owners out.
func PlanFor(rules []byte, path string) (Plan, error) {
	var f struct {
		Rules []rule `yaml:"creation_rules"`
	}
	if len(rules) > maxRules {
		return Plan{}, fmt.Errorf("%s has more than %d bytes", RulesFile, maxRules)
	}
	if err := yaml.Unmarshal(rules, &f); err != nil {
		return Plan{}, fmt.Errorf("%s is not what sops reads", RulesFile)
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		re, err := regexp.Compile(r.PathRegex)
		if err != nil {
			return Plan{}, fmt.Errorf("%s: path_regex of rule %d is no regular expression", RulesFile, i+1)
		}
		if !re.MatchString(path) {
			continue
		}
		p, err := r.plan()
		if err != nil {
			return Plan{}, fmt.Errorf("%s: rule %d: %w", RulesFile, i+1, err)
		}
		return p, nil
	}
	return Plan{}, ErrNoRule
}

const maxRules = 1 << 20

func (r *rule) plan() (Plan, error) {
	p := Plan{Threshold: r.Threshold, MACOnlySecret: r.MACOnly, Selector: Selector{
		UnencryptedSuffix: r.UnencryptedSuffix, EncryptedSuffix: r.EncryptedSuffix,
		UnencryptedRegex: r.UnencryptedRegex, EncryptedRegex: r.EncryptedRegex,
		UnencryptedCommentRegex: r.UnencryptedCommentRegex, EncryptedCommentRegex: r.EncryptedCommentRegex,
	}}
	if _, err := p.Selector.ready(); err != nil {
		return p, err
	}
	if err := foreign(r.Other, "kms", "pgp", "gcp_kms", "hckms", "azure_keyvault", "hc_vault_transit_uri"); err != nil {
		return p, err
	}
	groups := r.KeyGroups
	if len(groups) == 0 {
		groups = []groupRule{{Age: r.Age}}
	}
	for _, g := range groups {
		recipients, err := g.recipients(0)
		if err != nil {
			return p, err
		}
		if len(recipients) == 0 {
			return p, errors.New("a key group without a recipient of age")
		}
		p.Groups = append(p.Groups, recipients)
	}
	return p, nil
}

func (g groupRule) recipients(depth int) (out []string, err error) {
	if depth > 8 {
		return nil, errors.New("merge nests too deep")
	}
	if err := foreign(g.Other, "kms", "pgp", "gcp_kms", "hckms", "azure_keyvault", "hc_vault"); err != nil {
		return nil, err
	}
	for _, m := range g.Merge {
		more, err := m.recipients(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	for _, a := range g.Age {
		out = append(out, split1(a)...)
	}
	var unique []string
	for _, r := range out {
		if !slices.Contains(unique, r) {
			unique = append(unique, r)
		}
	}
	if len(unique) > maxEntries {
		return nil, fmt.Errorf("more than %d keys", maxEntries)
	}
	return unique, nil
}

func foreign(other map[string]any, names ...string) error {
	for _, n := range names {
		switch v := other[n].(type) {
		case nil:
		case string:
			if v != "" {
				return fmt.Errorf("%w: %s", ErrForeign, n)
			}
		case []any:
			if len(v) > 0 {
				return fmt.Errorf("%w: %s", ErrForeign, n)
			}
		default:
			return fmt.Errorf("%w: %s", ErrForeign, n)
		}
	}
	return nil
}
