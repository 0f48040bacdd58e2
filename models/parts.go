package models

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"galvani/kernels"
)

// ErrPart means that a name means no parameter of a network, or that all are frozen.
var ErrPart = errors.New("no such parameters")

// Frozen keeps the parameters that names mean (Parts) as they are: no gradient is computed for them.
func Frozen(names ...string) Option { return func(n *Network) { n.frozen = names } }

// partWords are the names of several parameters at once.
var partWords = []string{"all", "cell", "input", "recurrent", "readout", "matrices"}

// means reports whether a name means a parameter: one of partWords, the parameter's own name with or
// without "cell.", or such a name with the signs * and ? of a shell. Layer counts from 0.
func means(name string, s kernels.Spec, layer int) bool {
	switch name {
	case "all":
		return true
	case "cell":
		return s.Role != kernels.Readout
	case "readout":
		return s.Role == kernels.Readout
	case "input":
		return s.Role == kernels.In && layer == 0
	case "recurrent":
		return s.Role == kernels.Rec
	case "matrices":
		return s.Role == kernels.In || s.Role == kernels.Rec || s.Role == kernels.Readout && len(s.Shape) == 2
	}
	for _, full := range []string{s.Name, strings.TrimPrefix(s.Name, "cell.")} {
		if ok, err := path.Match(name, full); ok && err == nil {
			return true
		}
	}
	return false
}

// Parts returns which parameters of Specs the names mean.
//
// Errors: ErrPart for a name that means none.
func (n *Network) Parts(names []string) ([]bool, error) {
	in := make([]bool, len(n.specs))
	for _, name := range names {
		found := false
		for p, s := range n.specs {
			layer := 0
			if l, _ := n.layerOf(p); l != nil {
				layer = l.level
			}
			if means(name, s, layer) {
				in[p], found = true, true
			}
		}
		if !found {
			var all []string
			for _, s := range n.specs {
				all = append(all, s.Name)
			}
			return nil, fmt.Errorf("models: %s has no parameter %.60q, want %s, or some of %s: %w",
				n.name, name, strings.Join(partWords, ", "), strings.Join(all, ", "), ErrPart)
		}
	}
	return in, nil
}

// IsFrozen reports whether parameter p of Specs would be learned, were it not frozen.
func (n *Network) IsFrozen(p int) bool { return n.held[p] }

// freeze keeps the next row of Specs, which has the given name there, from being learned where it is
// frozen.
func (n *Network) freeze(s *kernels.Spec, name string, layer int) {
	named := *s
	named.Name = name
	held := s.Learned && slices.ContainsFunc(n.frozen, func(of string) bool { return means(of, named, layer) })
	s.Learned = s.Learned && !held
	n.held = append(n.held, held)
}

// checkFrozen refuses names that mean nothing, and a network in which nothing is left to learn.
func (n *Network) checkFrozen() error {
	if _, err := n.Parts(n.frozen); err != nil {
		return err
	}
	if n.frozen != nil && !slices.ContainsFunc(n.specs, func(s kernels.Spec) bool { return s.Learned }) {
		return fmt.Errorf("models: %s: all parameters are frozen, so that nothing is learned: %w", n.name, ErrPart)
	}
	return nil
}
