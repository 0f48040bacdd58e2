package setting

import (
	"errors"
	"maps"
	"slices"
)

// Registry holds the entries of one kind by name, such as the models or the tasks.
type Registry[E any] struct {
	kind    string
	name    func(E) string
	entries map[string]E
}

// NewRegistry returns an empty registry. Kind is the word for an entry in errors, such as model;
// name returns the name of an entry.
func NewRegistry[E any](kind string, name func(E) string) *Registry[E] {
	return &Registry[E]{kind: kind, name: name, entries: map[string]E{}}
}

// Add adds an entry. It is for init functions and panics on a name that is there already.
func (r *Registry[E]) Add(e E) {
	name := r.name(e)
	if _, dup := r.entries[name]; dup {
		panic(r.kind + " " + name + " is registered twice")
	}
	r.entries[name] = e
}

// Names returns the names in order.
func (r *Registry[E]) Names() []string { return slices.Sorted(maps.Keys(r.entries)) }

// All returns the entries, sorted by name.
func (r *Registry[E]) All() []E {
	all := make([]E, 0, len(r.entries))
	for _, name := range r.Names() {
		all = append(all, r.entries[name])
	}
	return all
}

// Lookup finds an entry by name; the error for an unknown one names the nearest.
func (r *Registry[E]) Lookup(name string) (E, error) {
	e, ok := r.entries[name]
	if !ok {
		return e, errors.New(Unknown(r.kind, name, r.Names()))
	}
	return e, nil
}
