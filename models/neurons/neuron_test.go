package neurons

import (
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
)

func load(t *testing.T, name string) *Neuron {
	t.Helper()
	n, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func compile(t *testing.T, n *Neuron, o Options) *Compiled {
	t.Helper()
	c, err := n.Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// crossings returns when v crosses a level upwards, between steps by a straight line.
func crossings(v []float64, dt, level float64) (times []float64) {
	for i := 1; i < len(v); i++ {
		if v[i-1] < level && v[i] >= level {
			times = append(times, dt*(float64(i-1)+(level-v[i-1])/(v[i]-v[i-1])))
		}
	}
	return times
}

// run steps a neuron with the current of its first input and returns V of a unit.
func (s *stepper) run(steps, unit int, current func(ms float64) float64) []float64 {
	v := []float64{s.v[unit]}
	in := make([]float64, max(1, len(s.Neuron.Inputs)))
	dt := s.Neuron.Dt
	for i := range steps {
		in[0] = current((float64(i) + 0.5) * dt)
		s.step(in)
		v = append(v, s.v[unit])
	}
	return v
}

func constant(x float64) func(float64) float64 { return func(float64) float64 { return x } }

// TestBuiltin compiles all neurons; each has a doc line, a source, and planes of state as its description
// says.
func TestBuiltin(t *testing.T) {
	for _, name := range Names() {
		n := load(t, name)
		if n.Doc == "" || n.Source == "" || n.Name != name {
			t.Errorf("%s: doc %q, source %q, name %q", name, n.Doc, n.Source, n.Name)
		}
		c := compile(t, n, Options{})
		if len(c.Rest) != c.Neuron.States() || len(c.Params) != len(c.Values) {
			t.Errorf("%s: %d start values for %d planes, %d parameters with values of %d", name, len(c.Rest), c.Neuron.States(), len(c.Params), len(c.Values))
		}
		for i, s := range c.Params {
			if s.Role != kernels.Named || s.Len() != len(c.Values[i]) || s.Learned || s.Unit == "" || s.Doc == "" {
				t.Errorf("%s: parameter %+v with values %v", name, s, c.Values[i])
			}
		}
	}
	if _, err := Load("hhh"); err == nil || !strings.Contains(err.Error(), `did you mean "hh"`) {
		t.Errorf("error of an unknown neuron is %v", err)
	}
}

// TestFires: at 10 µA/cm² the first spike and the interval of Hodgkin and Huxley are those of a small step.
func TestFires(t *testing.T) {
	c := compile(t, load(t, "hh"), Options{Dt: 0.001})
	if got := c.Neuron.Area[0]; math.Abs(got-1000) > 1e-6 {
		t.Errorf("the membrane is %v µm²", got)
	}
	const steps = 60000
	times := crossings(newStepper(c).run(steps, 0, constant(10)), 0.001, 0)
	if len(times) != 4 || math.Abs(times[0]-1.9012) > 0.02 || math.Abs(times[3]-times[2]-14.645) > 0.03 {
		t.Errorf("spikes at %v ms, want the first at 1.9012 and an interval of 14.645", times)
	}
}

// TestSag: a current that hyperpolarises the LGMD lets V sag back, by HCN alone.
func TestSag(t *testing.T) {
	sag := func(n *Neuron) float64 {
		c := compile(t, n, Options{Dt: 0.1})
		v := newStepper(c).run(6000, n.mesh.at(2, 0.5), func(ms float64) float64 {
			if ms < 300 {
				return 0
			}
			return -2.5
		})
		return v[len(v)-1] - slices.Min(v[3000:])
	}
	n := load(t, "lgmd")
	with := sag(n)
	delete(n.Regions[2].Densities, "hcn")
	n.Channels = slices.DeleteFunc(n.Channels, func(c Channel) bool { return c.Name == "hcn" })
	without := sag(n)
	if !(with > 3 && without < 0.3*with) {
		t.Errorf("V comes back by %v mV with HCN and by %v without", with, without)
	}
}

// TestLearn: names make parameters learned: all regions, one region by its bounds, numbers of gates.
func TestLearn(t *testing.T) {
	n := load(t, "lgmd")
	c := compile(t, n, Options{Learn: []string{"g_na", "siz.cm", "na.m.alpha.v", "kdr.n.k", "calcium.tau", "excitation.decay", "w_siz", "axial"}})
	find := func(name string) kernels.Spec {
		t.Helper()
		for _, s := range c.Params {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("no parameter %s", name)
		return kernels.Spec{}
	}
	for _, name := range []string{"g_na", "na.m.alpha.v", "kdr.n.k", "calcium.tau", "excitation.decay", "w_siz", "axial"} {
		if s := find(name); !s.Learned || s.Columns != nil {
			t.Errorf("%+v is not learned, or in part", s)
		}
	}
	for _, name := range []string{"g_kdr", "e_na", "g_leak", "e_leak"} {
		if find(name).Learned {
			t.Errorf("%s is learned", name)
		}
	}
	cm := find("cm")
	if want := []kernels.Bound{aboveTiny, {Lo: 0.8, Hi: 0.8}, {Lo: 0.8, Hi: 0.8}}; !cm.Learned || !slices.Equal(cm.Columns, want) {
		t.Errorf("siz.cm makes %+v", cm)
	}
	if q := c.Neuron.Channels[0].Gates[0].Numbers[1]; q.Param < 0 || c.Values[q.Param][0] != -8 {
		t.Errorf("na.m.alpha.v is %+v", q)
	}
	for _, name := range n.Learnable() {
		found := false
		for _, s := range compile(t, n, Options{Learn: []string{name}}).Params {
			found = found || s.Learned
		}
		if !found {
			t.Errorf("%s is learnable, and nothing is learned by it", name)
		}
	}
	if _, err := n.Compile(Options{Learn: []string{"g_nna"}}); err == nil || !strings.Contains(err.Error(), `did you mean "g_na"`) {
		t.Errorf("error of an unknown name is %v", err)
	}
}

// TestRallNeuron: the passive cable as a neuron is Rall's, as TestRall has it.
func TestRallNeuron(t *testing.T) {
	c := compile(t, load(t, "cable"), Options{Dt: 5})
	s := newStepper(c)
	s.run(2000, 0, constant(0.02))
	for k, v := range s.v {
		x := (float64(k) + 0.5) * 3
		if want := 24.9096 * math.Cosh((300-x)/408.2483) / math.Cosh(300/408.2483); relative(v+65, want) > 1e-4 {
			t.Errorf("compartment %d is at %v mV from rest, want %v", k, v+65, want)
		}
	}
}
