package profile

import (
	"cmp"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// merge lays over on top of base. Neither is changed.
func merge(base, over *Profile) *Profile {
	p := *base
	p.Name, p.Origin, p.Extends = over.Name, over.Origin, over.Extends
	p.Summary = cmp.Or(over.Summary, base.Summary)
	p.State = cmp.Or(over.State, base.State)
	p.Where = cmp.Or(over.Where, base.Where)
	p.Inner = cmp.Or(over.Inner, base.Inner)
	if p.Programs = over.Programs; base.Name == over.Name { // else a base is for others
		p.Programs = join(base.Programs, over.Programs)
	}
	p.Network = join(base.Network, over.Network)
	p.Bring = join(base.Bring, over.Bring)
	p.Hide = join(base.Hide, over.Hide)
	p.Keys = overlay(base.Keys, over.Keys)
	p.Lay = overlay(base.Lay, over.Lay)
	p.Env = overlay(base.Env, over.Env)
	p.Settings = overlay(base.Settings, over.Settings)
	for name, s := range over.Settings {
		if old, ok := base.Settings[name]; ok {
			p.Settings[name] = mergeSettings(old, s)
		}
	}
	return &p
}

func mergeSettings(base, over Settings) Settings {
	return Settings{Copy: join(base.Copy, over.Copy), Mirror: join(base.Mirror, over.Mirror), Drop: join(base.Drop, over.Drop),
		Set: overlay(base.Set, over.Set), Servers: cmp.Or(over.Servers, base.Servers)}
}

// join keeps the order and each entry once.
func join[S ~[]string](base, over S) S {
	all := slices.Clone(base)
	for _, s := range over {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func overlay[V any](base, over map[string]V) map[string]V {
	if len(base)+len(over) == 0 {
		return nil
	}
	all := make(map[string]V, len(base)+len(over))
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

// Text is the whole profile as YAML, with all that it extends.
func (p *Profile) Text() ([]byte, error) {
	whole := *p
	whole.Extends = ""
	return yaml.Marshal(&whole)
}
