//go:build cgo

package circuit

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"sync"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"golang.org/x/sys/cpu"
)

// device steps circuits for an instruction set on a number of threads.
type device struct {
	kernels.Device
	isa     string
	threads int
}

var one = device{isa: "avx2", threads: 1} // or portable, where there is none

func init() {
	if !cpu.X86.HasAVX2 {
		one.isa = "portable"
	}
}

func (d device) Name() string { return d.isa }

func (d device) NewCircuit(c *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return New(c, d.isa, d.threads, each), nil
}

// each calls f for all workers at once.
func each(workers []int, f func(*int)) {
	var all sync.WaitGroup
	for i := range workers {
		all.Add(1)
		go func() { defer all.Done(); f(&workers[i]) }()
	}
	all.Wait()
}

func (d device) CircuitBytes(kernels.CircuitSize) (host, device float64) { return 0, 0 }

// everywhere calls f for all numbers of threads, and for every instruction set that is here.
func everywhere(t *testing.T, f func(t *testing.T, d device)) {
	sets := []string{"portable"}
	if runtime.GOARCH == "amd64" && cpu.X86.HasAVX2 {
		sets = append(sets, "avx2")
	}
	if x := cpu.X86; x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
		sets = append(sets, "avx512")
	}
	all := []device{}
	for _, isa := range sets {
		all = append(all, device{isa: isa, threads: 1})
	}
	for _, threads := range []int{2, 3, 7} {
		all = append(all, device{isa: one.isa, threads: threads})
	}
	for _, d := range all {
		t.Run(fmt.Sprint(d.isa, " x", d.threads), func(t *testing.T) { f(t, d) })
	}
}

// TestCircuit wants the spikes of the reference from any number of threads and every instruction set.
func TestCircuit(t *testing.T) {
	everywhere(t, func(t *testing.T, d device) { conform.Circuit(t, d); conform.Drawn(t, d) })
}

func TestCircuitState(t *testing.T) {
	conform.CircuitState(t, one, device{isa: "portable", threads: 3})
}

// TestPlastic wants the weights of the reference likewise.
func TestPlastic(t *testing.T) {
	everywhere(t, func(t *testing.T, d device) { conform.Plastic(t, d, one) })
}

// TestLIFRate holds the intervals of a LIF neuron to T = tau ln((I - (V_re - E_L)) / (I - (V_th - E_L))) + t_ref,
// each within the step.
func TestLIFRate(t *testing.T) {
	for _, current := range []float64{18, 23, 28, 33, 38} {
		for _, wait := range []float64{0, 2} {
			spikes := conform.Simulate(t, one, conform.Single(t, "lif", map[string]float64{"t_ref": wait}, current), 20000).Spikes
			want := 15*math.Log((current+3)/(current-17)) + wait
			n := len(spikes) - 1
			got := float64(spikes[n].Step-spikes[0].Step) * 0.1 / float64(n)
			if got < want || got >= want+0.1+1e-9 {
				t.Errorf("I = %g, t_ref = %g: an interval of %.3f ms, want %.3f rounded up to the step", current, wait, got, want)
			}
		}
	}
	if s := conform.Simulate(t, one, conform.Single(t, "lif", nil, 16.99), 20000).Spikes; len(s) > 0 {
		t.Errorf("%d spikes below the rheobase", len(s))
	}
}

// TestEIFRate holds the rates of an EIF neuron to 1000 over the integral of tau dV / f(V), within the 2 % that
// Euler's steps of 0.1 ms make.
func TestEIFRate(t *testing.T) {
	set := map[string]float64{"D_T": 4, "V_th": 10}
	for current, want := range map[float64]float64{13.1: 2.4044, 13.4: 4.9076, 14.4: 9.6366, 19.4: 24.0974} {
		spikes := conform.Simulate(t, one, conform.Single(t, "eif", set, current), 30000).Spikes
		n := len(spikes) - 1
		if got := 1e4 * float64(n) / float64(spikes[n].Step-spikes[0].Step); math.Abs(got/want-1) > 0.02 {
			t.Errorf("I = %g: %.4f Hz, want %.4f", current, got, want)
		}
	}
	c := conform.Single(t, "eif", set, 13.5)
	c.Populations[0].Start = []float64{-75}
	spikes := conform.Simulate(t, one, c, 10000).Spikes
	if len(spikes) != 5 {
		t.Errorf("I = 13.5: %d spikes in a second, want 5", len(spikes))
	}
	for k, s := range spikes {
		if got, want := float64(s.Step+1)/10, 181.6*float64(k+1); math.Abs(got-want) > 0.01*want {
			t.Errorf("I = 13.5: spike %d at %.1f ms, want %.1f", k, got, want)
		}
	}
	if s := conform.Simulate(t, one, conform.Single(t, "eif", set, 12.99), 20000).Spikes; len(s) > 0 {
		t.Errorf("%d spikes below the rheobase, V_T - E_L - D_T = 13", len(s))
	}
}

// TestHodgkinHuxley holds hh to its rest, and under steps of current of 7 to 50 uA/cm2 to the rates of the equations within
// 0.3 %; 10 uA/cm2 give the first spike at 1.90 ms.
func TestHodgkinHuxley(t *testing.T) {
	c := conform.Single(t, "hh", nil, 0)
	c.Step, c.Probes = 0.01, []kernels.Probe{{}}
	v := conform.Simulate(t, one, c, 20000).V[0]
	if got := float64(v[len(v)-1]); math.Abs(got+64.9964) > 2e-3 {
		t.Errorf("V rests at %.4f mV, want -64.9964", got)
	}
	for current, want := range map[float64]float64{7: 58.33, 10: 68.32, 20: 86.47, 50: 117.04} {
		c := conform.Single(t, "hh", nil, current/0.3)
		c.Step = 0.01
		spikes := conform.Simulate(t, one, c, 50000).Spikes
		if len(spikes) < 20 {
			t.Fatalf("I = %g: %d spikes", current, len(spikes))
		}
		n := len(spikes) - 1
		if got := 1e5 * float64(n-5) / float64(spikes[n].Step-spikes[5].Step); math.Abs(got/want-1) > 0.003 {
			t.Errorf("I = %g: %.3f Hz, want %.3f", current, got, want)
		}
		if first := float64(spikes[0].Step+1) * 0.01; current == 10 && math.Abs(first-1.9) > 0.03 {
			t.Errorf("the first spike is at %.2f ms", first)
		}
	}
}

// TestBalanced holds the smallest published balanced network, N = 504, to the published rates, within the
// published standard deviation of a trial.
func TestBalanced(t *testing.T) {
	const networks, steps = 8, 100000
	var e, i float64
	for seed := range uint64(networks) {
		c := conform.Balanced(t, 504, seed, false)
		for _, s := range conform.Simulate(t, one, c, steps).Spikes {
			switch s.Population {
			case 0:
				e += 1e4 / steps / float64(c.Populations[0].N) / networks
			case 1:
				i += 1e4 / steps / float64(c.Populations[1].N) / networks
			}
		}
	}
	t.Logf("e %.3f Hz, i %.3f Hz", e, i)
	if math.Abs(e-4.390) > 0.14 || math.Abs(i-9.598) > 0.33 {
		t.Errorf("rates %.3f and %.3f Hz, want 4.390 within 0.14 and 9.598 within 0.33", e, i)
	}
}

// TestLook wants what Look tells of each population to be what the state has, and the plan to go on as without.
func TestLook(t *testing.T) {
	c := conform.Balanced(t, 500, 1, false)
	everywhere(t, func(t *testing.T, d device) {
		looked, alone := planOf(t, d, c), planOf(t, d, c)
		for range 20 {
			for _, p := range []kernels.CircuitPlan{looked, alone} {
				if _, err := p.Run(13); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := looked.(kernels.Looker).Look(0); !ok {
				t.Fatal("nothing is told")
			}
		}
		state, err := alone.State()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range state.Populations {
			want.Due = nil
			if got, _ := looked.(kernels.Looker).Look(i); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: it is not what the state has", want.Name)
			}
		}
	})
}
