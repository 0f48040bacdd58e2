package neurons

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels/random"
	"galvani/models/neurons"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "cable",
		Doc:    "voltages along a passive dendrite, with and without branches, against the cable equation",
		Claim:  "a steady current into a sealed passive dendrite leads to the voltages of the cable equation, and branches that keep Σ d^(3/2) change nothing",
		Source: "Rall, Exp. Neurol. 1, 491 (1959) and 6, 503 (1962)",
		New: func() experiment.Settings {
			return &cable{Length: 300, Diameter: 1, Leak: 1e-4, Axial: 150, Current: 0.02, Compartments: []int{25, 50, 100, 200, 400}}
		},
	})
}

// cable injects a current into one end of a sealed dendrite and compares the steady voltages at the
// centres of its compartments with V(x) = I R∞ cosh((L−x)/λ) / sinh(L/λ). The branched dendrite divides
// in two at a third and at two thirds of the electrotonic length, by Rall's rule. Each seed draws
// currents and a direction, along which the adjoint of a run is compared with differences.
type cable struct {
	Length       float64 `toml:"length" doc:"length L" unit:"µm" min:"1" max:"1e5"`
	Diameter     float64 `toml:"diameter" doc:"diameter of the dendrite at the current" unit:"µm" min:"0.01" max:"1000"`
	Leak         float64 `toml:"leak" doc:"conductance of the membrane" unit:"S/cm²" min:"1e-8" max:"1"`
	Axial        float64 `toml:"axial" doc:"resistivity of the inside" unit:"Ω·cm" min:"1" max:"1e5"`
	Current      float64 `toml:"current" doc:"current I into one end" unit:"nA" min:"1e-6" max:"1000"`
	Compartments []int   `toml:"compartments" doc:"compartments of a path from end to end, multiples of 3 where branched, rounded up" min:"3" max:"10000"`
}

const (
	// cableTolerance bounds the error of 100 compartments and more, relative to the voltage.
	cableTolerance = 1e-4
	cableEnough    = 100
	// cableGradient bounds the relative difference of an adjoint from central differences with step
	// 1e-5, with 100 compartments in λ: rounding, some 1e-16/1e-5 in a well conditioned system, grows
	// with the condition of the matrix, which goes as the square of the number of compartments in λ.
	cableGradient = 1e-6
	cableMost     = 1e-2 // of any cable
	cableSteps    = 40
	cableStep     = 0.25 // ms
	cableCapacity = 1    // µF/cm², which steady voltages do not depend on
)

// Quick implements Settings.
func (s *cable) Quick() { s.Compartments = []int{25, 100} }

var cableForms = []string{"straight", "branched"}

func cableCondition(form string, n int) string { return fmt.Sprintf("%s, %d compartments", form, n) }

// Cases implements Settings.
func (s *cable) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, form := range cableForms {
		for _, n := range s.Compartments {
			all = append(all, experiment.Condition{Name: cableCondition(form, n), Cost: float64(n),
				Run: func(_ context.Context, _ *experiment.Env, seed uint64) (experiment.Result, error) {
					return s.measure(form, n, seed)
				}})
		}
	}
	return experiment.ByCondition(all, seeds), nil
}

// sections returns a dendrite of n compartments, and the sections of a path from end to end.
func (s *cable) sections(form string, n int) (all []neurons.Section, path []int) {
	if form == "straight" {
		return []neurons.Section{{Parent: -1, Length: s.Length, Diameter: s.Diameter, Compartments: n}}, []int{0}
	}
	n = (n + 2) / 3
	thinner := math.Pow(0.5, 2.0/3) // two daughters have d^(3/2) of the parent; λ goes as √d
	for depth, width := 0, 1.0; depth < 3; depth, width = depth+1, width*thinner {
		for k := range 1 << depth {
			parent := -1
			if depth > 0 {
				parent = 1<<(depth-1) - 1 + k/2
			}
			all = append(all, neurons.Section{Parent: parent, Length: s.Length / 3 * math.Sqrt(width), Diameter: s.Diameter * width, Compartments: n})
		}
	}
	return all, []int{0, 1, 3}
}

// measure makes one case.
func (s *cable) measure(form string, n int, seed uint64) (experiment.Result, error) {
	sections, path := s.sections(form, n)
	c, err := neurons.NewCable(neurons.Membrane{Capacity: cableCapacity, Leak: s.Leak, Axial: s.Axial}, sections)
	if err != nil {
		return experiment.Result{}, err
	}
	in := make([]float64, c.Units())
	in[0] = s.Current
	all := c.Steady(in)
	var v rows.Curve
	for _, section := range path {
		for k := range sections[section].Compartments {
			v = append(v, all[c.At(section, k)])
		}
	}
	worst := 0.0
	for k, want := range s.exact(len(v)) {
		worst = max(worst, math.Abs(v[k]/want-1))
	}
	return experiment.Result{Values: rows.Values{"error": worst, "first": v[0], "last": v[len(v)-1], "gradient": s.gradient(c, seed)},
		Curves: map[string]rows.Curve{"voltage": v}}, nil
}

// infinite returns the resistance of an endless cable at its end, in MΩ, and the length in units of λ.
func (s *cable) infinite() (resistance, length float64) {
	lambda := 1e4 * math.Sqrt(s.Diameter*1e-4/(4*s.Axial*s.Leak))
	return s.Axial * 1e-2 * lambda / (math.Pi * s.Diameter * s.Diameter / 4), s.Length / lambda
}

// exact returns the voltages of the cable equation at the centres of n compartments.
func (s *cable) exact(n int) []float64 {
	resistance, length := s.infinite()
	v := make([]float64, n)
	for k := range v {
		// cosh(a)/sinh(L) by exponentials of negative numbers, which long cables do not overflow
		x := (float64(k) + 0.5) * length / float64(n)
		v[k] = s.Current * resistance * (math.Exp(-x) + math.Exp(x-2*length)) / -math.Expm1(-2*length)
	}
	return v
}

// centres returns the places of n compartments along a dendrite of length 1.
func centres(n int) []float64 {
	x := make([]float64, n)
	for k := range x {
		x[k] = (float64(k) + 0.5) / float64(n)
	}
	return x
}

// gradient returns the relative difference between the adjoint of a run and central differences, along
// a random direction of all leaks and axial conductances.
func (s *cable) gradient(c *neurons.Cable, seed uint64) float64 {
	r, draws := random.New(seed), uint64(0)
	draw := func(n int, scale float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			draws++
			x[i] = scale * r.Normal(draws)
		}
		return x
	}
	current, weight := make([][]float64, cableSteps), [][]float64{draw(c.Units(), 1)}
	for i := range current {
		current[i], weight = draw(c.Units(), s.Current), append(weight, draw(c.Units(), 1))
	}
	run := func() [][]float64 { return c.Run(cableStep, make([]float64, c.Units()), current) }
	g := c.Adjoint(cableStep, run(), weight)
	want, size := 0.0, 0.0
	const h = 1e-5
	parts := []struct{ x, was, grad, direction []float64 }{
		{c.Leak, append([]float64(nil), c.Leak...), g.Leak, draw(len(c.Leak), 1)},
		{c.Axial, append([]float64(nil), c.Axial...), g.Axial, draw(len(c.Axial), 1)},
	}
	got := 0.0
	for _, sign := range []float64{1, -1} {
		for _, p := range parts {
			for i, was := range p.was {
				p.x[i] = was * (1 + sign*h*p.direction[i])
			}
		}
		for t, v := range run() {
			for u, x := range v {
				want += sign * weight[t][u] * x / (2 * h)
			}
		}
	}
	for _, p := range parts {
		copy(p.x, p.was)
		for i, was := range p.was {
			term := p.grad[i] * was * p.direction[i]
			got, size = got+term, size+math.Abs(term)
		}
	}
	return math.Abs(got-want) / size
}

// Report implements Settings.
func (s *cable) Report(results experiment.Rows) (experiment.Report, error) {
	resistance, length := s.infinite()
	table := rows.Table{Title: "Steady voltages beside those of the cable equation",
		Head: []string{"dendrite", "first centre (mV)", "cable equation (mV)", "last centre (mV)", "cable equation (mV)", "largest relative error", "adjoint off by"}}
	lines := chart.Lines{Title: "Steady voltage along a passive dendrite", XLabel: "distance from the current (units of L)", YLabel: "voltage from rest (mV)",
		Subtitle: fmt.Sprintf("sealed, L = %.3g λ", length)}
	holds, judged, worst, off := true, 0, 0.0, 0.0
	for _, form := range cableForms {
		for _, n := range s.Compartments {
			of := results.Of(cableCondition(form, n))
			v := of.Curve("voltage")
			if len(v) == 0 {
				continue
			}
			want, e, gradient := s.exact(len(v)), of.Mean("error").Value, 0.0
			for _, g := range of.Values("gradient") {
				gradient = math.Max(gradient, g)
			}
			table.Rows = append(table.Rows, []string{cableCondition(form, n), fmt.Sprintf("%.4f", v[0].Value), fmt.Sprintf("%.4f", want[0]),
				fmt.Sprintf("%.4f", v[len(v)-1].Value), fmt.Sprintf("%.4f", want[len(v)-1]), fmt.Sprintf("%.2g", e), fmt.Sprintf("%.1g", gradient)})
			off = math.Max(off, gradient)
			if n >= cableEnough {
				judged++
				worst = math.Max(worst, e)
				holds = holds && e <= cableTolerance
			}
			mesh := float64(n) / cableEnough / min(1, length)
			holds = holds && gradient <= min(cableMost, cableGradient*max(1, mesh*mesh))
			if n == s.Compartments[0] {
				band := rows.Band(cableCondition(form, n), centres(len(v)), v)
				band.Dots, band.Hue = true, 1+len(lines.Series)
				lines.Series = append(lines.Series, band)
			}
		}
	}
	if len(lines.Series) > 0 { // on top of the others, which it would lie under
		lines.Series = append(lines.Series, chart.Series{Name: "cable equation", X: centres(cableEnough), Y: s.exact(cableEnough), Dashed: true, Hue: 3})
	}
	r := experiment.Report{Verdict: experiment.None, Tables: []rows.Table{table},
		Charts: []experiment.Chart{{Name: "voltage", Caption: "Voltage along a path from the current to a sealed end; the dots of both dendrites lie on the line.", Lines: lines}}}
	if judged > 0 && holds {
		r.Verdict = experiment.Holds
	} else if !holds {
		r.Verdict = experiment.Fails
	}
	r.Result = fmt.Sprintf("A steady current of %g nA entered one end of a sealed dendrite of %.4g λ, whose input resistance is %.6g MΩ by the cable equation. "+
		"With %d compartments and more the largest relative error of the voltage at a centre was %.2g, where %g was allowed. "+
		"The adjoint of a run by backward Euler, which is the same solve as a step, differed from central differences by up to %.1g of the sum of its terms.",
		s.Current, length, resistance/math.Tanh(length), cableEnough, worst, cableTolerance, off)
	return r, nil
}
