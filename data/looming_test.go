package data

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// quiet takes jitter and stray events away.
func quiet(c Config) {
	c.(*Looming).Jitter, c.(*Looming).Background = 0, 0
}

// raster returns the events of a sample as one set of facets per step.
func raster(t *testing.T, task *Task, index int) [][]int {
	t.Helper()
	b := NewBatch(task, 1)
	if err := task.Test.Fill(b, 0, 0, index); err != nil {
		t.Fatal(err)
	}
	steps := make([][]int, b.T)
	for k, x := range b.X {
		if x == 1 {
			steps[k/b.I] = append(steps[k/b.I], k%b.I)
		} else if x != 0 {
			t.Fatalf("input is %v, want 0 or 1", x)
		}
	}
	return steps
}

// eccentricity returns the angle of a facet of the default eye from its centre, deg.
func eccentricity(facet int) float64 {
	return math.Hypot(float64(facet%12)*6-33, float64(facet/12)*6-33)
}

// TestLoomingShape holds the default task to its letters and to exact balance.
func TestLoomingShape(t *testing.T) {
	task := open(t, "looming", Env{Seed: 1}, nil)
	if task.T != 60 || task.I != 144 || task.O != 4 || task.Goal != Classify || task.Every || task.Masked {
		t.Errorf("shape is %+v", task)
	}
	if !slices.Equal(task.Classes, []string{"loom", "recede", "translate", "scrambled"}) {
		t.Errorf("classes are %v", task.Classes)
	}
	if task.Train.Len() != 8000 || task.Test.Len() != 2000 {
		t.Errorf("%d and %d samples, want 8000 and 2000", task.Train.Len(), task.Test.Len())
	}
	b := NewBatch(task, 1)
	var counts [sceneClasses]int
	for i := range task.Test.Len() {
		if err := task.Test.Fill(b, 0, 0, i); err != nil {
			t.Fatal(err)
		}
		counts[int(b.Label[0])]++
		if int(b.Label[0]) != task.Test.(Timed).Class(i) || b.Weight[0] != 1 {
			t.Fatalf("sample %d: label %v, class %d, weight %v", i, b.Label[0], task.Test.(Timed).Class(i), b.Weight[0])
		}
	}
	if counts != [sceneClasses]int{500, 500, 500, 500} {
		t.Errorf("classes come %v times, want 500 each", counts)
	}
}

// TestLoomFollowsOptics recovers the course of the angular size from the events of a loom
// without noise: in step t, exactly those facets fire that the edge of the disc passes.
func TestLoomFollowsOptics(t *testing.T) {
	task := open(t, "looming", Env{Seed: 2}, quiet)
	set := task.Test.(*scenes)
	for i := range 200 {
		c, _ := set.begin(0, i)
		if c.L < 10 || c.L >= 80 {
			t.Fatalf("sample %d: L is %v, want 10 to 80", i, c.L)
		}
		if c.class == translate {
			continue
		}
		at, back := c.contact, 1.
		if c.class == recede {
			back = -1
			at = 600 - c.contact
		}
		if at < 400-1e-9 || at > 600 {
			t.Fatalf("sample %d: contact is %v ms from the far end, want 400 to 600", i, at)
		}
		edge := func(now float64) float64 { // eccentricity of the edge, deg
			tau := back * (c.contact - now)
			if tau <= 0 {
				return 90
			}
			return AngularSize(c.L, tau) * 90 / math.Pi
		}
		steps, left := raster(t, task, i), set.TimeToCollision(i)
		for k, facets := range steps {
			start, end := edge(float64(k)*10), edge(float64(k+1)*10)
			if want := c.contact - float64(k+1)*10; left[k] != want {
				t.Fatalf("sample %d: time to collision after step %d is %v, want %v", i, k, left[k], want)
			}
			want := 0
			for f := range 144 {
				if e := eccentricity(f); e > min(start, end) && e <= max(start, end) {
					want++
					if c.class != scrambled && !slices.Contains(facets, f) {
						t.Fatalf("sample %d class %d: the edge goes from %v° to %v° in step %d and passes facet %d at %v° unseen", i, c.class, start, end, k, f, e)
					}
				}
			}
			if len(facets) != want {
				t.Fatalf("sample %d class %d: %d events in step %d, want %d", i, c.class, len(facets), k, want)
			}
		}
	}
}

// TestTranslate holds a pass without noise to its own geometry: a facet has two events or
// none, and so many that they match an approach.
func TestTranslate(t *testing.T) {
	task := open(t, "looming", Env{Seed: 3}, quiet)
	set := task.Test.(*scenes)
	draw := newStream(4, test, 0, 0)
	e := newEvents(144)
	for range 500 {
		c := scene{class: translate, L: draw.between(10, 80), contact: draw.between(400, 600)}
		set.eye.show(e, c, &draw)
		touched, first, last := 0, math.Inf(1), math.Inf(-1)
		for f := range 144 {
			on, off := e.at[0][f], e.at[1][f]
			if math.IsNaN(on) != math.IsNaN(off) {
				t.Fatalf("facet %d is covered at %v and uncovered at %v", f, on, off)
			}
			if math.IsNaN(on) {
				continue
			}
			touched++
			if on > off || on < -1e-9 || off > 600+1e-9 {
				t.Fatalf("facet %d is covered at %v and uncovered at %v", f, on, off)
			}
			first, last = min(first, on), max(last, off)
		}
		if last-first < 300-1e-6 {
			t.Fatalf("the pass takes %v ms, want 300 or more", last-first)
		}
		if want := set.eye.crossings(c) / 2; math.Abs(float64(touched)-want) > 0.5 {
			t.Fatalf("the pass touches %d facets, want %v", touched, want)
		}
		if set.eye.crossings(c) < 100 {
			t.Fatalf("an approach with L = %v crosses %v facets only", c.L, set.eye.crossings(c))
		}
	}
	for _, left := range set.TimeToCollision(translate) {
		if !math.IsNaN(left) {
			t.Fatalf("a passing disc has %v ms to collision, want none", left)
		}
	}
}

// TestCountsMatch compares the mean number of events of the classes, which must not tell them
// apart. Events that fall into one step of one facet count once, which thins the passes of
// central facets; a fiftieth is allowed for it.
func TestCountsMatch(t *testing.T) {
	task := open(t, "looming", Env{Seed: 4}, quiet)
	var mean [sceneClasses]float64
	for i := range 2000 {
		for _, facets := range raster(t, task, i) {
			mean[i%sceneClasses] += float64(len(facets)) / 500
		}
	}
	t.Logf("events per sample: %.1f", mean)
	if lo, hi := slices.Min(mean[:]), slices.Max(mean[:]); hi-lo > hi/50 {
		t.Errorf("mean events per class are %.1f, want them within 2 %%", mean)
	}
}

// TestCoherence measures how well eccentricity goes with time in looms: it must rise with
// coherence, from nothing at 0 % to nearly all at 100 %.
func TestCoherence(t *testing.T) {
	var last float64
	for k, coherence := range []float64{0, 25, 50, 75, 100} {
		task := open(t, "looming", Env{Seed: 5}, func(c Config) { quiet(c); c.(*Looming).Coherence = coherence })
		got, b := 0., NewBatch(task, 1)
		for i := 0; i < 400; i += sceneClasses {
			if err := task.Test.Fill(b, 0, 0, i); err != nil {
				t.Fatal(err)
			}
			got += order(12)(b)[0] / 100
		}
		t.Logf("coherence %v %%: correlation of eccentricity and time %.3f", coherence, got)
		if k > 0 && got < last+0.05 {
			t.Errorf("coherence %v %%: correlation %v after %v, want it to rise", coherence, got, last)
		}
		if coherence == 0 && math.Abs(got) > 0.05 || coherence == 100 && got < 0.8 {
			t.Errorf("coherence %v %%: correlation is %v", coherence, got)
		}
		last = got
	}
}

// TestScatter moves whole facets: the pairs of covering and uncovering stay together, and
// nothing moves at full coherence.
func TestScatter(t *testing.T) {
	eye := newRetina(12, 36, 600)
	draw := newStream(1, test, 0, 0)
	pairs := func(e *events) []string {
		var out []string
		for f := range e.at[0] {
			out = append(out, fmt.Sprint(e.at[0][f], e.at[1][f]))
		}
		return out
	}
	for _, coherence := range []float64{0, 0.5, 1} {
		e := newEvents(144)
		eye.show(e, scene{class: translate, L: 30, contact: 500}, &draw)
		before := pairs(e)
		e.scatter(coherence, &draw)
		after := pairs(e)
		if still := slices.Equal(before, after); still != (coherence == 1) {
			t.Errorf("coherence %v: unmoved is %v", coherence, still)
		}
		slices.Sort(before)
		slices.Sort(after)
		if !slices.Equal(before, after) {
			t.Errorf("coherence %v: events of a facet are torn apart", coherence)
		}
	}
}

// TestBackground counts stray events alone.
func TestBackground(t *testing.T) {
	for _, p := range []float64{0.002, 0.2, 1} {
		task := open(t, "looming", Env{Seed: 6}, func(c Config) {
			// A disc as slow as this covers the eye before the sequence starts and long after.
			quiet(c)
			c.(*Looming).LvMin, c.(*Looming).LvMax, c.(*Looming).HalfField = 10000, 10000, 1
			c.(*Looming).Background = p
		})
		n := 0.
		for i := 0; i < 400; i += sceneClasses {
			for _, facets := range raster(t, task, i) {
				n += float64(len(facets))
			}
		}
		cells := 100. * 60 * 144
		if math.Abs(n-p*cells) > 5*math.Sqrt(p*(1-p)*cells) {
			t.Errorf("background %v: %v events in %v cells", p, n, cells)
		}
	}
}

// TestJitter moves events by no more than the key says, and loses none.
func TestJitter(t *testing.T) {
	still := open(t, "looming", Env{Seed: 7}, quiet)
	shaken := open(t, "looming", Env{Seed: 7}, func(c Config) { quiet(c); c.(*Looming).Jitter = 25 })
	moved := 0
	for i := 0; i < 100; i += sceneClasses { // looms: one event per facet
		at := map[int]int{}
		for k, facets := range raster(t, still, i) {
			for _, f := range facets {
				at[f] = k
			}
		}
		n := 0
		for k, facets := range raster(t, shaken, i) {
			for _, f := range facets {
				n++
				d := k - at[f]
				if d < -3 || d > 3 { // 25 ms reach into the third step from any place in a step
					t.Fatalf("sample %d: facet %d moved by %d steps", i, f, d)
				}
				if d != 0 {
					moved++
				}
			}
		}
		if n != len(at) {
			t.Fatalf("sample %d: %d events with jitter, %d without", i, n, len(at))
		}
	}
	if moved == 0 {
		t.Error("jitter moves nothing")
	}
}

// TestAnySettings fills samples under random settings from the whole allowed range: inputs
// are 0 or 1, targets are times inside the sequence, nothing fails.
func TestAnySettings(t *testing.T) {
	r := newStream(9, test, 0, 0)
	edge := func(lo, hi float64) float64 { // the ends as often as the inside
		return []float64{lo, hi, r.between(lo, hi)}[r.below(3)]
	}
	for range 400 {
		c := newLooming(r.below(2) == 0)
		c.Facets, c.Steps = 2+r.below(9), 2+r.below(40)
		c.HalfField, c.StepMs = edge(1, 60), edge(0.1, 1000)
		c.LvMin = edge(0.1, 10000)
		c.LvMax = edge(c.LvMin, 10000)
		c.Spread, c.Coherence, c.Jitter, c.Background = edge(0, 1), edge(0, 100), edge(0, 1000), edge(0, 1)
		task, err := c.Open(Env{Seed: r.pcg.Uint64()})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		b := NewBatch(task, 1)
		for i := range 8 {
			if err := task.Train.Fill(b, 0, 0, i); err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			for _, x := range b.X {
				if x != 0 && x != 1 {
					t.Fatalf("%+v: input is %v", c, x)
				}
			}
			for k, v := range b.Value {
				if w := b.Weight[k]; !(v >= 0 && v <= 1) || w != 0 && w != 1 {
					t.Fatalf("%+v: target %v with weight %v", c, v, w)
				}
			}
		}
	}
}

// TestConstantAnswer holds the documented error of the best constant answer of looming-ttc.
func TestConstantAnswer(t *testing.T) {
	task := open(t, "looming-ttc", Env{Seed: 10}, nil)
	b := NewBatch(task, 1)
	var n, sum, squares float64
	for i := range task.Test.Len() {
		if err := task.Test.Fill(b, 0, 0, i); err != nil {
			t.Fatal(err)
		}
		for k, w := range b.Weight {
			v := float64(w) * float64(b.Value[k])
			n, sum, squares = n+float64(w), sum+v, squares+v*v
		}
	}
	if got := squares/n - sum*sum/(n*n); math.Abs(got-0.037) > 0.001 {
		t.Errorf("error of a constant answer is %.4f, want 0.037", got)
	}
}

// TestTimeToCollision holds target and weight of looming-ttc to the scene.
func TestTimeToCollision(t *testing.T) {
	task := open(t, "looming-ttc", Env{Seed: 8}, func(c Config) { quiet(c); c.(*Looming).TestSize = 100 })
	if task.O != 1 || !task.Every || task.Goal != Regress {
		t.Fatalf("shape is %+v", task)
	}
	b := NewBatch(task, 1)
	for i := range task.Test.Len() {
		if err := task.Test.Fill(b, 0, 0, i); err != nil {
			t.Fatal(err)
		}
		left, seen, weighed := task.Test.(Timed).TimeToCollision(i), false, 0
		for k := range task.T {
			for _, x := range b.X[k*b.I : (k+1)*b.I] {
				seen = seen || x == 1
			}
			value, weight := float32(0), float32(0)
			if seen && left[k] >= 0 {
				value, weight = float32(left[k]/600), 1
				weighed++
			}
			if b.Value[k] != value || b.Weight[k] != weight {
				t.Fatalf("sample %d step %d: target %v with weight %v, want %v with %v", i, k, b.Value[k], b.Weight[k], value, weight)
			}
		}
		if weighed < 10 {
			t.Errorf("sample %d: targets at %d steps only", i, weighed)
		}
	}
}

func BenchmarkLoomingFill(b *testing.B) {
	task, err := newLooming(false).Open(Env{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	batch := NewBatch(task, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := task.Train.Fill(batch, i%64, 0, i%task.Train.Len()); err != nil {
			b.Fatal(err)
		}
	}
}
