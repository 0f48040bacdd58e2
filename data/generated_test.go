package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

// generated is every generated task in a small form, with masks and fresh samples both in use
// and not.
var generated = []struct {
	name  string
	fresh bool
	task  Config
}{
	{"looming", false, small(newLooming(false), false)},
	{"looming fresh", true, small(newLooming(false), true)},
	{"looming-ttc", false, small(newLooming(true), false)},
	{"adding", false, &Adding{Steps: 30, Sampling: Sampling{TrainSize: 40, TestSize: 24}}},
	{"adding masked", true, &Adding{Steps: 30, MinSteps: 3, Sampling: Sampling{Fresh: true, TrainSize: 40, TestSize: 24}}},
	{"copy", true, &Copy{Delay: 7, Symbols: 6, Categories: 8, Sampling: Sampling{Fresh: true, TrainSize: 40, TestSize: 24}}},
	{"teacher", true, &Teacher{Inputs: 4, Units: 3, Outputs: 2, GainIn: 1, GainOut: 1, Sampling: Sampling{Fresh: true, TrainSize: 40, TestSize: 24}}},
	{"chain", true, &Chain{Steps: 20, StepMs: 1, HoldMs: 3, SmoothMs: 2, ChainTau: []float64{2, 5}, Sampling: Sampling{Fresh: true, TrainSize: 40, TestSize: 24}}},
	{"perceptual", true, few(newPerceptual(), true)},
	{"context", true, few(newContext(), true)},
	{"dms", false, few(newDelayMatch(), false)},
	{"ready-set-go", true, few(newReadySetGo(), true)},
	{"multisensory", false, few(newMultisensory(), false)},
	{"go-nogo", true, few(newGoNoGo(), true)},
	{"anti-reach", true, few(newAntiReach(), true)},
	{"interval-discrimination", true, few(newIntervalDiscrimination(), true)},
	{"delay-comparison", false, few(newDelayComparison(), false)},
	{"paired-association", true, few(newPairedAssociation(), true)},
}

func small(c *Looming, fresh bool) *Looming {
	c.Facets, c.Steps = 6, 30
	c.Sampling = Sampling{Fresh: fresh, TrainSize: 40, TestSize: 24}
	return c
}

// few returns a trial task with few samples; with noise, so that no two of them are the same.
func few(c Config, fresh bool) Config {
	timing(c).Sigma, timing(c).Sampling = 1, Sampling{Fresh: fresh, TrainSize: 40, TestSize: 24}
	return c
}

// sample returns all that a set says of one sample, from a batch full of stale numbers.
func sample(t testing.TB, task *Task, set Set, epoch, index int) string {
	t.Helper()
	b := NewBatch(task, 1)
	for _, s := range [][]float32{b.X, b.Label, b.Value, b.Weight, b.Mask} {
		for i := range s {
			s[i] = float32(math.NaN())
		}
	}
	if err := set.Fill(b, 0, epoch, index); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(b.X, b.Label, b.Value, b.Weight, b.Mask)
}

// TestSamplesDependOnTheirKeyAlone holds every generated set to the promise of Set.Fill.
func TestSamplesDependOnTheirKeyAlone(t *testing.T) {
	for _, g := range generated {
		t.Run(g.name, func(t *testing.T) {
			task, err := g.task.Open(Env{Seed: 5})
			if err != nil {
				t.Fatal(err)
			}
			again, err := g.task.Open(Env{Seed: 5})
			if err != nil {
				t.Fatal(err)
			}
			other, err := g.task.Open(Env{Seed: 6})
			if err != nil {
				t.Fatal(err)
			}
			if task.Train.Len() != 40 || task.Test.Len() != 24 {
				t.Errorf("%d and %d samples, want 40 and 24", task.Train.Len(), task.Test.Len())
			}
			seen := map[string]bool{}
			for i := range 24 {
				one := sample(t, task, task.Train, 3, i)
				if strings.Contains(one, "NaN") {
					t.Fatalf("sample %d leaves stale numbers", i)
				}
				if one != sample(t, again, again.Train, 3, i) {
					t.Errorf("sample %d differs when the task is opened again", i)
				}
				if one == sample(t, other, other.Train, 3, i) {
					t.Errorf("sample %d is the same under another seed", i)
				}
				if same := one == sample(t, task, task.Train, 4, i); same == g.fresh {
					t.Errorf("sample %d in the next epoch: same is %v, want %v", i, same, !g.fresh)
				}
				held := sample(t, task, task.Test, 3, i)
				if held != sample(t, task, task.Test, 4, i) {
					t.Errorf("test sample %d changes with the epoch", i)
				}
				if seen[one] || seen[held] {
					t.Errorf("sample %d comes twice", i)
				}
				seen[one], seen[held] = true, true
			}
		})
	}
}

// TestColumns fills the columns of one batch in any order and on many threads; each must come
// out as when it is alone, and no other may change.
func TestColumns(t *testing.T) {
	for _, g := range generated {
		t.Run(g.name, func(t *testing.T) {
			task, err := g.task.Open(Env{Seed: 5})
			if err != nil {
				t.Fatal(err)
			}
			const width = 8
			b := NewBatch(task, width)
			var wait sync.WaitGroup
			for col := range width {
				wait.Add(1)
				go func() {
					defer wait.Done()
					if err := task.Train.Fill(b, col, 2, 3*col); err != nil {
						t.Error(err)
					}
				}()
			}
			wait.Wait()
			for col := range width {
				one := NewBatch(task, 1)
				pick := func(from []float32, per int) []float32 {
					var out []float32
					for at := col * per; at < len(from); at += width * per {
						out = append(out, from[at:at+per]...)
					}
					return out
				}
				one.X, one.Label, one.Value = pick(b.X, b.I), pick(b.Label, 1), pick(b.Value, b.O)
				one.Weight, one.Mask = pick(b.Weight, 1), pick(b.Mask, 1)
				if b.Decisions != nil && b.Decisions[col] != decision(task.Train.(Trials).Trial(2, 3*col)) {
					t.Errorf("column %d is decided by %+v", col, b.Decisions[col])
				}
				got := fmt.Sprint(one.X, one.Label, one.Value, one.Weight, one.Mask)
				if want := sample(t, task, task.Train, 2, 3*col); got != want {
					t.Errorf("column %d differs from its sample", col)
				}
			}
		})
	}
}

// TestFillAllocatesNothing counts allocations in the steady state.
func TestFillAllocatesNothing(t *testing.T) {
	for _, g := range generated {
		task, err := g.task.Open(Env{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		b := NewBatch(task, 4)
		n := testing.AllocsPerRun(200, func() {
			for col := range 4 {
				if err := task.Train.Fill(b, col, 1, col+2); err != nil {
					t.Fatal(err)
				}
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per batch, want none", g.name, n)
		}
	}
}

func TestFillRefuses(t *testing.T) {
	for _, g := range generated {
		task, err := g.task.Open(Env{})
		if err != nil {
			t.Fatal(err)
		}
		b := NewBatch(task, 2)
		wantOneLine(t, task.Train.Fill(b, 2, 0, 0), "column is 2, want 0 to 1")
		wantOneLine(t, task.Train.Fill(b, -1, 0, 0), "column is -1")
		wantOneLine(t, task.Train.Fill(b, 0, 0, 40), "sample is 40, want 0 to 39")
		wantOneLine(t, task.Test.Fill(b, 0, 0, -1), "sample is -1, want 0 to 23")
		b.T++
		wantOneLine(t, task.Train.Fill(b, 0, 0, 0), fmt.Sprintf("batch is T=%d", b.T), fmt.Sprintf("want T=%d", task.T))
	}
}

func TestAdding(t *testing.T) {
	for _, shortest := range []int{0, 2, 7, 30} {
		c := &Adding{Steps: 30, MinSteps: shortest, Sampling: Sampling{TrainSize: 1, TestSize: 3000}}
		task, err := c.Open(Env{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if want := shortest != 0 && shortest < 30; task.Masked != want || task.T != 30 || task.I != 2 || task.O != 1 || task.Every {
			t.Fatalf("min_steps %d: shape is %+v, want masked %v", shortest, task, want)
		}
		b := NewBatch(task, 1)
		lengths, mse := map[int]int{}, 0.0
		for i := range task.Test.Len() {
			if err := task.Test.Fill(b, 0, 0, i); err != nil {
				t.Fatal(err)
			}
			steps := 30
			if b.Mask != nil {
				steps = 0
				for k, m := range b.Mask {
					if m == 1 {
						steps = k + 1
					} else if m != 0 {
						t.Fatalf("mask is %v", m)
					}
				}
				if slices.Contains(b.Mask[:steps], 0) {
					t.Fatalf("mask has a hole: %v", b.Mask)
				}
			}
			lengths[steps]++
			var marks []int
			var sum float32
			for k := range 30 {
				value, mark := b.X[2*k], b.X[2*k+1]
				if value < 0 || value >= 1 || k >= steps && (value != 0 || mark != 0) {
					t.Fatalf("step %d of %d: value %v, mark %v", k, steps, value, mark)
				}
				if mark == 1 {
					marks, sum = append(marks, k), sum+value
				} else if mark != 0 {
					t.Fatalf("mark is %v", mark)
				}
			}
			if len(marks) != 2 || marks[0] >= steps/2 || marks[1] < steps/2 {
				t.Fatalf("marks at %v of %d steps, want one in each half", marks, steps)
			}
			if b.Value[0] != sum || b.Weight[0] != 1 {
				t.Fatalf("target is %v with weight %v, want %v with 1", b.Value[0], b.Weight[0], sum)
			}
			mse += (float64(sum) - 1) * (float64(sum) - 1)
		}
		least := 30
		if shortest != 0 {
			least = shortest
		}
		if len(lengths) != 30-least+1 || lengths[least] == 0 || lengths[30] == 0 {
			t.Errorf("min_steps %d: lengths are %v, want all from %d to 30", shortest, lengths, least)
		}
		// (u+v−1)² has mean 1/6 and variance 7/180.
		if mse /= 3000; math.Abs(mse-1./6) > 5*math.Sqrt(7./180/3000) {
			t.Errorf("error of the constant answer is %v, want 1/6", mse)
		}
	}
}

func TestCopy(t *testing.T) {
	task := open(t, "copy", Env{Seed: 1}, nil)
	if task.T != 120 || task.I != 10 || task.O != 9 || !task.Every || task.Goal != Classify || len(task.Classes) != 9 {
		t.Fatalf("shape is %+v", task)
	}
	b := NewBatch(task, 1)
	var counts [8]float64
	for i := range task.Test.Len() {
		if err := task.Test.Fill(b, 0, 0, i); err != nil {
			t.Fatal(err)
		}
		for k := range task.T {
			x := b.X[k*10 : (k+1)*10]
			symbol := slices.Index(x, 1)
			var sum float32
			for _, v := range x {
				sum += v
			}
			if symbol < 0 || sum != 1 {
				t.Fatalf("step %d is %v, want one-hot", k, x)
			}
			wantLabel, ok := float32(8), symbol == 8
			switch {
			case k < 10:
				ok = symbol < 8
				counts[symbol]++
				if got := b.Label[110+k]; got != float32(symbol) {
					t.Fatalf("answer %d is %v, want %d", k, got, symbol)
				}
			case k == 109:
				ok = symbol == 9
			case k >= 110:
				wantLabel = b.Label[k]
			}
			if !ok || b.Label[k] != wantLabel || b.Weight[k] != 1 {
				t.Fatalf("step %d: input %d, label %v, weight %v", k, symbol, b.Label[k], b.Weight[k])
			}
		}
	}
	n := float64(10 * task.Test.Len())
	for k, got := range counts {
		if math.Abs(got-n/8) > 5*math.Sqrt(n*7./64) {
			t.Errorf("symbol %d comes %v times of %v, want an eighth", k, got, n)
		}
	}
}

// decision returns what decides a trial.
func decision(trial Trial) Decision {
	last := trial.Periods[len(trial.Periods)-1]
	return Decision{last.First, last.End, trial.Choice, trial.Earliest, trial.Latest}
}

// TestBars holds the pictures of bars to lines of three pixels through the square, and its noise to training samples.
func TestBars(t *testing.T) {
	for _, noise := range []float64{0, 0.5} {
		task, err := (&Bars{Noise: noise}).Open(Env{Seed: 4})
		if err != nil {
			t.Fatal(err)
		}
		for k, set := range []Set{task.Train, task.Test} {
			if fixed := set.(Fixed).Fixed(); fixed != (noise == 0 || k == 1) {
				t.Errorf("noise %g: set %d is fixed: %t", noise, k, fixed)
			}
			b := NewBatch(task, 1)
			for i := range set.Len() {
				if err := set.Fill(b, 0, 1, i); err != nil {
					t.Fatal(err)
				}
				sum, rows, columns, diagonals := float32(0), [3]float32{}, [3]float32{}, [2]float32{}
				for p, v := range b.X {
					sum += v
					rows[p/3] += v
					columns[p%3] += v
					if p%4 == 0 {
						diagonals[0] += v
					}
					if p%2 == 0 && p > 0 && p < 8 {
						diagonals[1] += v
					}
				}
				along := [][]float32{rows[:], columns[:], diagonals[:]}[int(b.Label[0])]
				if noisy := sum != 3; noisy != (noise > 0 && k == 0) {
					t.Errorf("noise %g, set %d: the pixels of picture %d add up to %v", noise, k, i, sum)
				}
				if noise == 0 && slices.Max(along) != 3 {
					t.Errorf("picture %d is no line of class %v: %v", i, b.Label[0], b.X)
				}
			}
		}
	}
}
