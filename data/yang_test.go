package data

import (
	"math"
	"strings"
	"testing"
)

// TestYang solves trials of every rule from their input alone, without noise, and holds the rule input and the periods.
func TestYang(t *testing.T) {
	const ring = 8
	for number, r := range yangRules {
		c := newYang()
		c.Rules, c.Ring, c.Sigma, c.TrainSize, c.TestSize = []string{r.name}, ring, 0, 300, 4
		task, err := c.Open(Env{Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		if task.I != 1+2*ring+20 || task.O != 1+ring {
			t.Fatalf("%s: %d inputs, %d outputs", r.name, task.I, task.O)
		}
		b, seen := NewBatch(task, 1), map[int]int{}
		for index := range task.Train.Len() {
			if err := task.Train.Fill(b, 0, 0, index); err != nil {
				t.Fatal(err)
			}
			trial := task.Train.(Trials).Trial(0, index)
			response := trial.Periods[4]
			if want := solve(b, r, trial, ring); trial.Choice != want && want >= 0 {
				t.Errorf("%s, trial %d: choice %d, the input says %d", r.name, index, trial.Choice, want)
			}
			seen[trial.Choice]++
			for step := range b.T {
				x, within := b.input(step, 0), step < response.End
				lit := within && step < response.First
				if (x[0] == 1) != lit || (x[1+2*ring+number] == 1) != within || trial.Kind != r.name {
					t.Fatalf("%s, trial %d, step %d: fixation %v, rule %v, task %q", r.name, index, step, x[0], x[1+2*ring+number], trial.Kind)
				}
				label := float32(0)
				if within && !lit {
					label = float32(trial.Choice)
				}
				if b.Label[step] != label {
					t.Fatalf("%s, trial %d, step %d: label %v, want %v", r.name, index, step, b.Label[step], label)
				}
			}
		}
		for choice := 1; choice <= ring; choice++ {
			if seen[choice] < 5 {
				t.Errorf("%s: choice %d is right in %d of 300 trials", r.name, choice, seen[choice])
			}
		}
		if still := seen[Fixate]; (r.family == match) != (still > 100) || still > 200 {
			t.Errorf("%s: %d trials ask for none", r.name, still)
		}
	}
}

// solve returns the right choice of a trial as its input tells it, −1 where two stimuli are alike.
func solve(b *Batch, r rule, trial Trial, ring int) int {
	at := func(period, modality int) (strength []float64) {
		p := trial.Periods[period]
		for i := range ring {
			v := 0.0
			if p.End > p.First {
				v = float64(b.input(p.First, 0)[1+modality*ring+i]) / 0.8
			}
			strength = append(strength, v)
		}
		return strength
	}
	peak := func(x []float64) (best int) {
		for i, v := range x {
			if v > x[best] {
				best = i
			}
		}
		return best
	}
	sum := func(a, b []float64, wa, wb float64) []float64 {
		out := make([]float64, ring)
		for i := range a {
			out[i] = wa*a[i] + wb*b[i]
		}
		return out
	}
	switch r.family {
	case reach:
		period := 1
		if r.reaction {
			period = 4
		}
		to := peak(sum(at(period, 0), at(period, 1), 1, 1))
		if r.away {
			to = (to + ring/2) % ring
		}
		return 1 + to
	case match:
		first, second := peak(sum(at(1, 0), at(1, 1), 1, 1)), peak(sum(at(3, 0), at(3, 1), 1, 1))
		same := first == second
		if r.category {
			same = first/(ring/2) == second/(ring/2)
		}
		if same == r.nonmatch {
			return Fixate
		}
		return 1 + second
	}
	first := sum(at(1, 0), at(1, 1), r.weights[0], r.weights[1])
	if r.delay == 0 { // both bumps lie over each other
		x := peak(first)
		for i, v := range first {
			if i != x && first[x]-v < 1e-6 {
				return -1
			}
		}
		return 1 + x
	}
	second := sum(at(3, 0), at(3, 1), r.weights[0], r.weights[1])
	switch d := first[peak(first)] - second[peak(second)]; {
	case math.Abs(d) < 1e-6:
		return -1
	case d > 0:
		return 1 + peak(first)
	}
	return 1 + peak(second)
}

// TestYangShape: rules that take turns, noise where stimuli are judged, and settings that are refused.
func TestYangShape(t *testing.T) {
	c := newYang()
	c.TrainSize, c.TestSize = 40, 4
	task, err := c.Open(Env{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if task.T != 32 || task.I != 53 || task.O != 17 || !task.Masked {
		t.Errorf("T=%d I=%d O=%d, masked %v", task.T, task.I, task.O, task.Masked)
	}
	b := NewBatch(task, 1)
	for index := range 40 {
		if err := task.Train.Fill(b, 0, 0, index); err != nil {
			t.Fatal(err)
		}
		trial := task.Train.(Trials).Trial(0, index)
		if trial.Kind != yangRules[index%20].name {
			t.Errorf("trial %d is %s, want %s", index, trial.Kind, yangRules[index%20].name)
		}
		noisy := false
		for _, v := range b.input(trial.Periods[1].First, 0)[1:33] {
			noisy = noisy || v < 0
		}
		if noisy != (yangRules[index%20].family != reach) {
			t.Errorf("%s: noise is %v", trial.Kind, noisy)
		}
	}
	for want, change := range map[string]func(*Yang){
		"even number":  func(c *Yang) { c.Ring = 7 },
		"rules is":     func(c *Yang) { c.Rules = []string{"dm3"} },
		"at least one": func(c *Yang) { c.Rules = nil },
		"step_ms":      func(c *Yang) { c.StepMs = 300 },
	} {
		c := newYang()
		change(c)
		if _, err := c.Open(Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
