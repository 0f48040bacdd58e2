package conductance

import (
	"math"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/rows"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
)

// TestTauTeacher holds that a student with the parameters of its teacher makes no error but that of
// float32: the task asks for the teacher's rates step by step and unit by unit. One with the time
// constants exchanged errs, unless rates are linear and uncoupled, and then gives the same rates.
func TestTauTeacher(t *testing.T) {
	const none, some = 1e-10, 1e-4 // of squared rates below 1
	dev := devicetest.CPU(t, 1)
	e := experiment.NewEnv(1, func() (kernels.Device, string, error) { return dev, dev.Name(), nil })
	s := tauSettings(t)
	s.Gain = 0.5
	for _, c := range []struct {
		l        lesson
		lo, hi   float64
		exchange bool
	}{
		{lesson{activation: "tanh", startS: 5, startR: 10}, 0, none, false},
		{lesson{activation: "tanh", startS: 10, startR: 5}, some, 1, true},
		{lesson{activation: "linear", startS: 10, startR: 5}, 0, none, true},
	} {
		teacher, err := s.teach(1, c.l, 3)
		if err != nil {
			t.Fatal(err)
		}
		n, err := e.Start(s.student(c.l, teacher.task, 3))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Session.Close()
		params := n.Session.Params()
		for i, spec := range params.Specs() {
			for k, v := range teacher.Of(spec.Name[len("cell."):min(len(spec.Name), len("cell.W"))]) {
				params.View(i).Data().([]float32)[k] = float32(v)
			}
		}
		m, err := n.Session.Evaluate(t.Context(), n.Task.Test)
		if err != nil || m.Loss() < c.lo || m.Loss() > c.hi {
			t.Errorf("%s, exchanged %v: error %v of variance %v, want %v to %v; %v", c.l.activation, c.exchange, m.Loss(), teacher.variance, c.lo, c.hi, err)
		}
	}
}

func tauSettings(t *testing.T) *tauRecovery {
	t.Helper()
	e, err := experiment.Lookup("tau-recovery")
	if err != nil {
		t.Fatal(err)
	}
	s := e.New().(*tauRecovery)
	s.Units, s.Sequences, s.Validation, s.Steps, s.Batch = 4, 1, 5, 40, 5
	return s
}

// TestTauTeacherTwo holds that the second half of the units is slow, and in its membrane alone.
func TestTauTeacherTwo(t *testing.T) {
	devicetest.CPU(t, 1)
	teacher, err := tauSettings(t).teach(1, lesson{activation: "tanh", two: true}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for n, tau := range teacher.Of("tau_r") {
		if want := []float64{5, 50}[n/2]; tau != want || teacher.Of("tau_s")[n] != 5 {
			t.Errorf("unit %d has tau_r %v and tau_s %v, want %v and 5", n, tau, teacher.Of("tau_s")[n], want)
		}
	}
}

// TestSplitModes holds the division to groups that are known.
func TestSplitModes(t *testing.T) {
	m := splitModes([]float64{1, 1.1, 3, 0.9, 3.1, 2.9})
	if math.Abs(m.low-1) > 1e-12 || math.Abs(m.high-3) > 1e-12 || !(m.at > 1.1 && m.at < 2.9) || math.Abs(m.explained-6/6.04) > 1e-12 || !m.two() {
		t.Errorf("two groups: %+v", m)
	}
	if right := m.agrees(rows.Curve{5, 5, 50, 5, 50, 5}); math.Abs(right-5.0/6) > 1e-12 {
		t.Errorf("%v of the units are in the group of their teacher, want 5/6", right)
	}
	var even, close []float64
	for i := range 20 {
		even = append(even, float64(i))
		close = append(close, float64(i/10)*0.1)
	}
	if m := splitModes(even); m.two() || math.Abs(m.explained-25/33.25) > 1e-12 {
		t.Errorf("even numbers: %+v", m)
	}
	if m := splitModes(close); m.two() || m.p > modesP {
		t.Errorf("two groups a tenth apart: %+v", m)
	}
	if m := splitModes([]float64{2, 2, 2}); m.two() {
		t.Errorf("one number: %+v", m)
	}
}

// TestTauVerdict holds verdicts to rows that are made up.
func TestTauVerdict(t *testing.T) {
	s := tauSettings(t)
	taus := func(tau ...float64) rows.Curve { return tau }
	row := func(condition string, tauS, tauR rows.Curve, mse float64) experiment.Row {
		r := experiment.Row{Condition: condition, Seed: 1, Result: experiment.Result{Values: rows.Values{"mse": mse, "variance": 1, "teacher_tau_s": 5, "teacher_tau_r": 10,
			"tau_s": mean(tauS), "tau_r": mean(tauR)}, Curves: map[string]rows.Curve{"tau_s": tauS, "tau_r": tauR, "step": {1}, "test_loss": {mse}}}}
		r.Curves["teacher_tau_r"] = rows.Curve{5, 5, 5, 50, 50, 50}
		return r
	}
	good, slow := row("exchanged", taus(5.2, 5, 5, 5, 5, 5), taus(10, 10, 10, 10, 10.9, 10), 0.01), row(tauTwo, taus(5, 5, 5, 5, 5, 5.1), taus(5, 5, 5.1, 50, 50, 49), 0.01)
	elman := experiment.Row{Condition: tauElman, Seed: 1, Result: experiment.Result{Values: rows.Values{"mse": 0.1, "variance": 1}, Curves: map[string]rows.Curve{"step": {1}, "test_loss": {0.1}}}}
	bad, close := good, elman
	bad.Result = row("exchanged", taus(10, 10, 10, 10, 10, 10), taus(5, 5, 5, 5, 5, 5), 0.01).Result
	close.Result = experiment.Result{Values: rows.Values{"mse": 0.015, "variance": 1}, Curves: elman.Curves}
	exchanged := row(tauTwo, slow.Curves["tau_r"], slow.Curves["tau_s"], 0.01)
	exptest.Verdicts(t, s, []exptest.Case{
		{"all is well", experiment.Rows{good, elman, slow}, experiment.Holds},
		{"two populations in the synapse", experiment.Rows{good, elman, exchanged}, experiment.HoldsWhen},
		{"constants not recovered", experiment.Rows{bad, elman, slow}, experiment.Fails},
		{"Elman network as good", experiment.Rows{good, elman, {Condition: tauElmanFree, Seed: 1, Result: close.Result}, slow}, experiment.Fails},
	})
}

func mean(v rows.Curve) float64 { return rows.Mean(v).Value }

// TestTauRecovery runs all conditions.
func TestTauRecovery(t *testing.T) { exptest.Quickly(t, "tau-recovery") }
