package engine

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

// penalised gives a toy session a rate network with penalties of every kind.
func penalised(t testing.TB, layers int) func(*Config) {
	toy := newToy()
	net, err := models.Bind("rate", models.NewRate(), models.Dims{I: toy.inputs, H: toy.hidden, O: toy.outputs}, models.Layers(layers), models.LearnedState())
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) {
		c.Net = net
		o := &c.Options
		o.L1, o.L2 = []string{"recurrent=0.01", "readout.bias=0.5"}, []string{"0.02"}
		o.RateL1, o.RateL2, o.RateTargetL2, o.RateTarget, o.ChangeL2 = 0.3, 0.4, 0.5, 0.2, 0.6
	}
}

// TestPenalties holds the terms to their definitions, the scan to the graph, and the loss that is reported to that
// without penalties.
func TestPenalties(t *testing.T) {
	var seen []Metrics
	var norms []float64
	for _, dev := range devicetest.Hosts(t, 2) {
		s := newToySession(t, func(c *Config) { penalised(t, 2)(c); c.Device = dev })
		plain := newToySession(t, func(c *Config) {
			penalised(t, 2)(c)
			c.Device = dev
			o := &c.Options
			o.L1, o.L2, o.RateL1, o.RateL2, o.RateTargetL2, o.ChangeL2 = nil, nil, 0, 0, 0, 0
		})
		want := 0.0
		for i, spec := range s.params.specs {
			for _, w := range s.params.slice(i) {
				if spec.Role == kernels.Rec {
					want += 0.01 * math.Abs(float64(w))
				}
				if spec.Name == "readout.bias" {
					want += 0.5 * math.Abs(float64(w))
				}
			}
		}
		b := batchOf(t, s, 0)
		r, err := s.Step(b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plain.Step(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Metrics.Penalty(kernels.WeightL1); math.Abs(got-want) > 1e-6*want {
			t.Errorf("l1 is %v, want %v", got, want)
		}
		if r.Metrics.LossSum != p.Metrics.LossSum || r.GradNorm == p.GradNorm || p.Metrics.Penalised != (kernels.PenaltyValues{}) {
			t.Errorf("with penalties %+v, norm %v, without %+v, norm %v", r.Metrics, r.GradNorm, p.Metrics, p.GradNorm)
		}
		for k := range kernels.Penalties {
			if r.Metrics.Penalty(k) <= 0 {
				t.Errorf("%v is %v", k, r.Metrics.Penalty(k))
			}
		}
		seen, norms = append(seen, r.Metrics), append(norms, r.GradNorm)
		if m, err := s.Evaluate(t.Context(), s.cfg.Task.Test); err != nil || m.Penalised != (kernels.PenaltyValues{}) {
			t.Errorf("an evaluation has penalties %v, %v", m.Penalised, err)
		}
	}
	for i, m := range seen[1:] {
		for k := range kernels.Penalties {
			if a, b := m.Penalty(k), seen[0].Penalty(k); math.Abs(a-b) > 1e-5*b {
				t.Errorf("%v: the scan gives %v, the graph %v", k, a, b)
			}
		}
		if math.Abs(norms[i+1]-norms[0]) > 1e-4*norms[0] {
			t.Errorf("norms %v", norms)
		}
	}
}

// TestPenaltiesOfShards holds that penalties of weights are those of the whole batch, and that two shardings give
// the same bits.
func TestPenaltiesOfShards(t *testing.T) {
	step := func(shards, accumulate int) StepResult {
		s := newToySession(t, func(c *Config) {
			penalised(t, 1)(c)
			c.Options.Shards, c.Options.Accumulate = shards, accumulate
		})
		r, err := s.Step(batchOf(t, s, 0))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	whole, parts, again := step(1, 1), step(2, 1), step(2, 2)
	for _, k := range []kernels.Penalty{kernels.WeightL1, kernels.WeightL2} {
		if a, b := whole.Metrics.Penalty(k), parts.Metrics.Penalty(k); math.Abs(a-b) > 1e-9 {
			t.Errorf("%v is %v, in shards %v", k, a, b)
		}
	}
	if parts != again {
		t.Errorf("two orders of shards give %+v and %+v", parts, again)
	}
}

// TestRateTargetPulls holds that the mean of h goes to its target where nothing else is asked for.
func TestRateTargetPulls(t *testing.T) {
	s := newToySession(t, func(c *Config) {
		penalised(t, 1)(c)
		o := &c.Options
		o.L1, o.L2, o.RateL1, o.RateL2, o.ChangeL2 = nil, nil, 0, 0, 0
		o.RateTargetL2, o.RateTarget, o.LR, o.Clip = 1000, 0.5, 0.02, 0
	})
	b := batchOf(t, s, 0)
	for i := range b.Weight {
		b.Weight[i] = 1e-3
	}
	r, err := s.Repeat(b, 60)
	if err != nil {
		t.Fatal(err)
	}
	before, after := r[0].Metrics.Penalty(kernels.RateTarget), r[len(r)-1].Metrics.Penalty(kernels.RateTarget)
	if !(after < before/10) {
		t.Errorf("the penalty was %v and is %v", before, after)
	}
}

// TestWrongPenalties holds what is refused.
func TestWrongPenalties(t *testing.T) {
	for entry, want := range map[string]string{
		"recurent=1e-3": `l2 names "recurent"`, "matrices=-1": `want a strength of 0 or more`, "W=": "want a strength", "NaN": "want a strength",
		"1e400": "want a strength", "W=1,readout=2,W=3": "l2 gives W a strength twice", "1,matrices=1": "l2 gives matrices a strength twice",
	} {
		p, err := NewParams[float32](decayNet{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.penalties(Options{L2: strings.Split(entry, ",")})
		if !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", entry, err, want)
		}
	}
	p, err := NewParams[float32](decayNet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	terms, err := p.penalties(Options{L1: []string{"1e-3", "W=2", "readout=0"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, w := range terms.weights {
		got = append(got, p.specs[i].Name)
		if want := map[string]float64{"cell.U": 1e-3, "cell.W": 2}[p.specs[i].Name]; w != [2]float64{want} {
			t.Errorf("%s has %v", p.specs[i].Name, w)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"cell.U", "cell.W"}) {
		t.Errorf("penalised are %v", got)
	}
}

// TestPenaltiesOfConnections has penalties, and with them the norm of the gradient, see the connections that exist, and
// those alone, whatever a checkpoint holds in the place of others.
func TestPenaltiesOfConnections(t *testing.T) {
	toy, wiring := newToy(), models.NewWiring()
	wiring.Dale, wiring.RecDensity = true, 0.5
	net, err := models.Bind("rate", models.NewRate(), models.Dims{I: toy.inputs, H: toy.hidden, O: toy.outputs}, models.Wired(wiring))
	if err != nil {
		t.Fatal(err)
	}
	s := newToySession(t, func(c *Config) {
		c.Net, c.Device = net, devicetest.Hosts(t, 1)[0]
		c.Options.L2 = []string{"recurrent=0.5", "readout.weight=0.25"}
	})
	st, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	absent := 0
	for k := range st.Tensors {
		i := slices.IndexFunc(s.params.specs, func(spec kernels.Spec) bool { return spec.Name == st.Tensors[k].Name })
		if i < 0 {
			continue
		}
		values, err := st.Tensors[k].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for e := range values {
			if net.Acting(i, e, 1) == 0 {
				values[e], absent = 3, absent+1
			}
		}
		st.Tensors[k] = safetensors.Float32(st.Tensors[k].Name, st.Tensors[k].Shape, values)
	}
	if absent == 0 {
		t.Fatal("all connections exist")
	}
	var norms []float64
	for _, load := range []bool{false, true} {
		if load {
			if err := s.Restore(st); err != nil {
				t.Fatal(err)
			}
		}
		want := 0.0
		for i, spec := range s.params.specs {
			for e, w := range s.params.slice(i) {
				v := float64(net.Acting(i, e, w))
				switch spec.Name {
				case "cell.W":
					want += 0.5 * v * v
				case "readout.weight":
					want += 0.25 * v * v
				}
			}
		}
		r, err := s.Step(batchOf(t, s, 0))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Metrics.Penalty(kernels.WeightL2); math.Abs(got-want) > 1e-6*want {
			t.Errorf("loaded %v: l2 is %v, want %v, that of what acts", load, got, want)
		}
		norms = append(norms, r.GradNorm)
	}
	if norms[0] != norms[1] {
		t.Errorf("values of connections that do not exist change the norm of the gradient from %v to %v", norms[0], norms[1])
	}
}
