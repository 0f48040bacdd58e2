package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// penalties are the terms that are added to the loss.
type penalties struct {
	weights map[int][2]float64 // strengths of WeightL1 and WeightL2 of parameters, by their number
	rates   kernels.RatePenalty
}

// penaltyGroups are the names in Options.L1 and L2 that stand for several parameters, besides decayRoles.
var penaltyGroups = map[string]func(kernels.Spec) bool{
	"input":     func(s kernels.Spec) bool { return s.Role == kernels.In },
	"recurrent": func(s kernels.Spec) bool { return s.Role == kernels.Rec },
	"readout":   func(s kernels.Spec) bool { return s.Role == kernels.Readout },
}

// penalties returns the terms that the options ask for; nil for none. Weights count as they are stored.
//
// Of names that share a parameter the last one counts for it.
//
// Errors: ErrOption for an entry that is none, for a name that no learned parameter has and for one that is given twice.
func (p *Params[F]) penalties(o Options) (*penalties, error) {
	t := &penalties{weights: map[int][2]float64{}, rates: kernels.RatePenalty{
		L1: o.RateL1, L2: o.RateL2, TargetL2: o.RateTargetL2, Target: o.RateTarget, Change: o.ChangeL2}}
	for kind, list := range [][]string{o.L1, o.L2} {
		key, named := [2]string{"l1", "l2"}[kind], map[string]bool{}
		for _, entry := range list {
			name, text, ok := strings.Cut(entry, "=")
			if !ok {
				name, text = "matrices", entry
			}
			strength, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil || !(strength >= 0) || math.IsInf(strength, 0) {
				return nil, fmt.Errorf("engine: %s holds %q, want a strength of 0 or more, or PARAMETERS=STRENGTH such as recurrent=1e-4: %w", key, entry, ErrOption)
			}
			if name = strings.TrimSpace(name); named[name] {
				return nil, fmt.Errorf("engine: %s gives %s a strength twice; leave one out: %w", key, name, ErrOption)
			}
			named[name] = true
			if err := p.penalise(t, key, name, kind, strength); err != nil {
				return nil, err
			}
		}
	}
	if len(t.weights) == 0 && t.rates.Recorded(nil) == nil {
		return nil, nil
	}
	return t, nil
}

// penalise puts a strength to the parameters that a name means.
func (p *Params[F]) penalise(t *penalties, key, name string, kind int, strength float64) error {
	group := penaltyGroups[name]
	if group == nil {
		group = decayRoles[name]
	}
	found := false
	for _, i := range p.learnedIndex {
		s := p.specs[i]
		if group != nil && group(s) || s.Name == name || s.Name == "cell."+name {
			w := t.weights[i]
			w[kind] = strength
			t.weights[i], found = w, true
		}
	}
	if !found && group != nil {
		return fmt.Errorf("engine: %s names %s, and this model learns none of them; leave it out, or name some of %s: %w", key, name, p.names(p.learnedIndex), ErrOption)
	}
	if !found {
		return fmt.Errorf("engine: %s names %q, want matrices, all, input, recurrent, readout or some of %s: %w", key, name, p.names(p.learnedIndex), ErrOption)
	}
	for i, w := range t.weights {
		if w == [2]float64{} {
			delete(t.weights, i)
		}
	}
	return nil
}

// penalise returns the nodes of the parameters with the penalties of their weights.
func (g *Graph[F]) penalise(params []*gorgonia.Node) ([]*gorgonia.Node, error) {
	out := append([]*gorgonia.Node{}, params...)
	for i := range params {
		w, ok := g.cfg.terms.weights[i]
		if !ok {
			continue
		}
		var err error
		if out[i], err = kernels.PenaliseWeights(g.dev, params[i], w[0], w[1], &g.record); err != nil {
			return nil, err
		}
	}
	return out, nil
}
