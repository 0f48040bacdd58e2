// Package circuits holds networks of point neurons as data: populations, projections and sources, of
// which each network has a file. A network is a struct of settings with one method, and an entry of
// the registry.
//
// It imports the contract (kernels), kernels/sparse and the leaves. cmd/galvani may import it.
package circuits

import "galvani/engine/setting"

// Network is the settings of a network, a pointer to a struct with the tags of package setting.
type Network interface {
	// Blueprint describes the network, with the potentials that it starts from for a seed.
	Blueprint(seed uint64) *Blueprint
}

// Entry describes a network in the registry.
type Entry struct {
	Name, Doc, Source string
	// New returns the settings at their defaults.
	New func() Network
}

var registry = setting.NewRegistry("network", func(e Entry) string { return e.Name })

// Names returns the names of all networks, sorted.
func Names() []string { return registry.Names() }

// All returns all networks, sorted by name.
func All() []Entry { return registry.All() }

// Lookup finds a network; the error for an unknown one names the nearest.
func Lookup(name string) (Entry, error) { return registry.Lookup(name) }
