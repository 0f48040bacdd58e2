package engine

import (
	"fmt"
	"slices"
	"strings"

	"galvani/kernels"
)

// decayRoles are the names in Options.DecayOn that stand for several parameters. Time constants,
// biases and offsets of gates have values that mean something by themselves, which a pull towards 0
// would change; weights have not.
var decayRoles = map[string]func(kernels.Spec) bool{
	"all": func(kernels.Spec) bool { return true },
	"matrices": func(s kernels.Spec) bool {
		return s.Role == kernels.In || s.Role == kernels.Rec || s.Role == kernels.Readout && len(s.Shape) == 2
	},
}

// parts returns the learned parameters as runs of the flat buffer that weight decay and the limit on the norm
// of the gradient act on alike; nil where both act on all as one.
//
// Errors: ErrOption for a name that no parameter has.
func (p *Params[F]) parts(o Options) ([]kernels.Part, error) {
	decays, err := p.decays(o)
	if err != nil {
		return nil, err
	}
	apart := slices.ContainsFunc(p.specs, func(s kernels.Spec) bool { return s.Clip != kernels.Counted })
	alone := o.Clip > 0 && clipsAlone[o.ClipBy]
	if decays == nil && !apart && !alone {
		return nil, nil
	}
	var list []kernels.Part
	for _, i := range p.learnedIndex {
		part := kernels.Part{Len: p.specs[i].Len(), Decays: decays == nil || decays[i], Clip: p.specs[i].Clip, Alone: alone}
		if k := len(list) - 1; k >= 0 && !alone && list[k].Decays == part.Decays && list[k].Clip == part.Clip {
			list[k].Len += part.Len
		} else {
			list = append(list, part)
		}
	}
	return list, nil
}

// decays tells of every parameter whether weight decay acts on it; nil without weight decay. A twin decays where the
// parameter does whose changes it makes.
func (p *Params[F]) decays(o Options) ([]bool, error) {
	if o.WeightDecay == 0 {
		return nil, nil
	}
	decays := make([]bool, len(p.specs))
	for _, name := range o.DecayOn {
		found := false
		for _, i := range p.decayable() {
			s, role := p.specs[i], decayRoles[name]
			if role != nil && role(s) || s.Name == name || s.Name == "cell."+name {
				decays[i], found = true, true
			}
		}
		if !found && decayRoles[name] == nil {
			return nil, fmt.Errorf("engine: decay_on names %q, want matrices, all or some of %s: %w", name, p.names(p.decayable()), ErrOption)
		}
	}
	if !slices.Contains(decays, true) {
		return nil, fmt.Errorf("engine: weight_decay is %v and decay_on names no parameter of this model, want matrices, all or some of %s: %w",
			o.WeightDecay, p.names(p.decayable()), ErrOption)
	}
	for i, s := range p.specs {
		if s.Twin != "" {
			decays[i] = decays[slices.IndexFunc(p.specs, func(other kernels.Spec) bool { return other.Name == s.Twin })]
		}
	}
	return decays, nil
}

// decayable lists the learned parameters whose gradient is one of the loss.
func (p *Params[F]) decayable() (list []int) {
	for _, i := range p.learnedIndex {
		if p.specs[i].Clip == kernels.Counted {
			list = append(list, i)
		}
	}
	return list
}

// names lists parameters for people.
func (p *Params[F]) names(list []int) string {
	var names []string
	for _, i := range list {
		names = append(names, p.specs[i].Name)
	}
	return strings.Join(names, ", ")
}
