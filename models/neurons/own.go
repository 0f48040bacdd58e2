package neurons

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"galvani/engine/cite"
	"galvani/engine/infile"
	"galvani/kernels"
	"galvani/models"
)

// ownName is the name in the registry of a neuron of a file.
const ownName = "neuron"

// Own is the settings of the model neuron: the neuron of a file as a cell of the registry, as LGMD is the built-in one. Every
// facet, a number of x, has a synapse onto each compartment of each input that has facets.
type Own struct {
	Neuron string `toml:"neuron" file:"lgmd|lgmd-rake" doc:"the neuron: the file of one with inputs by facets, which names no other file, or lgmd, lgmd-rake"`
	LGMD
}

// NewOwn returns the defaults: synapses are those of the file, and they alone are learned.
func NewOwn() *Own {
	o := &Own{Neuron: "lgmd", LGMD: *NewLGMD()}
	o.Learn, o.Inhibition, o.Lag, o.WeightSpread = "", 1, 0, 0
	return o
}

func init() {
	models.Register(models.Entry{
		Name:       ownName,
		Doc:        "a neuron of your own, of a file: compartments, ion channels and a synapse for each facet.",
		Source:     "the file, which galvani neurons show describes",
		References: []cite.Work{hodgkinHuxley, hines},
		Equations: "C dV_u/dt = g_L (E_L - V_u) + sum_v g_uv (V_v - V_u) + sum_c g_c (E_c - V_u) + sum_r g_r (E_r - V_u)\n" +
			"g_c = density area prod gate^power,  dgate/dt = (gate_inf(V) - gate)/tau(V)\n" +
			"g_r: sum_f w_uf events_f of the facets of each input of receptor r, with its rise and decay\n" +
			"dr_u/dt = (1/(1 + exp(-(V_u - rate_at)/rate_slope)) - r_u)/rate_tau\n" +
			"logits = readout.weight r + readout.bias",
		Notes: []string{
			"What galvani models show lgmd says of h, of learned numbers, of events, steps and gate_gradient holds here, too. Inputs of the file without facets get nothing, and its noise is left out.",
			"A receptor inhibits where its reversal potential is below the start of V: the keys inhibition, inhibition_delay and lag are of those, excitation of the others. Delays of the file are left out.",
			"The run keeps a copy of the file, so that it can be read wherever it lies.",
		},
		New: func() models.Cell { return NewOwn() },
	})
}

// oneFile returns a neuron that is built in, or that of a file, of whatever name, that names no other file.
func oneFile(name string) (*Neuron, error) {
	if slices.Contains(Names(), name) {
		return builtin(name)
	}
	switch {
	case name == "":
		return nil, fmt.Errorf("models: %s: key neuron is empty; name the file of one, or lgmd, lgmd-rake", ownName)
	case strings.EqualFold(filepath.Ext(name), ".swc"):
		return nil, fmt.Errorf("models: %s: %s is a morphology, want a neuron: a file of sections with their [membrane], channels and inputs", ownName, filepath.Base(name))
	}
	text, err := infile.Read(name)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", ownName, err)
	}
	n, err := Read(name, text, func(path string) ([]byte, error) {
		return nil, errors.New("a run keeps the neuron as one file; write what " + filepath.Base(path) + " holds into it")
	})
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", ownName, err)
	}
	return n, nil
}

// cell is the neuron with its settings.
func (c *Own) cell() *LGMD {
	one := c.LGMD
	one.of, one.own = c.Neuron, true
	return &one
}

// like is the settings with those of another cell.
func (c *Own) like(cell models.Cell) models.Cell {
	o := *c
	o.LGMD = *cell.(*LGMD)
	return &o
}

// Units implements models.Sized.
func (c *Own) Units() int { return c.cell().Units() }

// Params implements models.Cell.
func (c *Own) Params(d models.Dims) ([]kernels.Spec, error) { return c.cell().Params(d) }

// Scan implements models.Cell.
func (c *Own) Scan(d models.Dims) (kernels.Cell, error) { return c.cell().Scan(d) }

// Unroll implements models.Cell.
func (c *Own) Unroll(k *models.Ops, p *models.Params) models.Step { return c.cell().Unroll(k, p) }

// Smooth implements models.Smoother.
func (c *Own) Smooth() models.Cell { return c.like(c.LGMD.Smooth()) }

// Exact implements models.Exact.
func (c *Own) Exact() models.Cell { return c.like(c.LGMD.Exact()) }

// Derived implements models.Deriver.
func (c *Own) Derived(stored func(name string) []float32) []models.Array {
	return c.cell().Derived(stored)
}
