package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"galvani/engine/rundir"
)

// sweepFile writes the file of a sweep.
func sweepFile(t *testing.T, text string) string {
	t.Helper()
	return written(t, filepath.Join(t.TempDir(), "s.toml"), text)
}

// TestSweep makes the runs of a grid, finds them there the second time, makes one that is gone again with the same
// result, counts one that becomes NaN, and refuses another sweep in the folder.
func TestSweep(t *testing.T) {
	t.Parallel()
	const text = `seeds = 2
metrics = ["grad_norm", "absent"]
[set]
task = "looming"
facets = 3
steps = 8
train_size = 16
test_size = 8
batch = 8
epochs = 1
clip = 0
[grid]
hidden = [4, 6]
lr = [0.01, 1000.0]
`
	out := filepath.Join(t.TempDir(), "out")
	path := sweepFile(t, text)
	once := func() (r sweepReport, o outcome) {
		o = galvani(t, "sweep", path, "--out", out, "--threads", "1", "--json").ok(t)
		o.tells(t, &r)
		return r, o
	}
	first, o := once()
	if len(first.Cells) != 4 || strings.Join(first.Keys, " ") != "hidden lr" || strings.Join(first.Cells[2].Values, " ") != "6 0.01" ||
		first.Metric != "test_accuracy" || len(first.Cells[0].Runs) != 2 || len(first.Cells[0].Tests) != 2 || first.Cells[0].Half == nil {
		t.Errorf("report %+v", first)
	}
	if more := first.Cells[0].More; len(more) != 2 || more[0] == nil || *more[0] <= 0 || more[1] != nil {
		t.Errorf("further metrics are %v, want a norm of the gradient, and none that is absent", more)
	}
	for _, want := range []string{"run 2 of 8: hidden 4, lr 0.01, seed 2: test_accuracy ", `metrics: unknown metric "absent"; known: `} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("stderr %s, want %s", o.stderr, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(first.Cells[0].Runs[0], configName)); err != nil || !strings.Contains(string(text), "\nthreads = 1\n") {
		t.Errorf("config.toml %s, error %v, want the thread that was asked for", text, err)
	}
	lock, err := rundir.LockFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	galvani(t, "sweep", path, "--out", out).refused(t, exitConfig, out+": folder is in use: by process")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(out, "sweep.csv"))
	if err != nil || !strings.HasPrefix(string(table), "hidden,lr,runs,failed,test_accuracy,half_interval,grad_norm,absent\n4,0.01,2,0,") {
		t.Errorf("table %s, error %v", table, err)
	}
	picture, err := os.ReadFile(filepath.Join(out, "sweep.svg"))
	for _, word := range []string{"lr 0.01", "lr 1000", "test accuracy"} {
		if err != nil || !strings.Contains(string(picture), word) {
			t.Errorf("the plot lacks %q, error %v", word, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(out, "0005")); err != nil {
		t.Fatal(err)
	}
	second, _ := once()
	for i, c := range second.Cells {
		if strings.Join(c.Runs, " ") != strings.Join(first.Cells[i].Runs, " ") != (i == 2) && i != 2 {
			t.Errorf("runs %v were made again", c.Runs)
		}
		if *c.Mean != *first.Cells[i].Mean {
			t.Errorf("the test says %v the second time, %v the first", *c.Mean, *first.Cells[i].Mean)
		}
	}
	galvani(t, "sweep", sweepFile(t, strings.Replace(text, "[4, 6]", "[5]", 1)), "--out", out).refused(t, exitConfig, "holds another sweep")
}

// TestSweepRefuses holds what is said of a file that is not right, before any run is made.
func TestSweepRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"seeds = 0":                                            "seeds is 0, want 1 to 10000",
		"[gird]\nlr = [1]":                                     `unknown key "gird"; did you mean "grid"?`,
		"lr = 0.1\n[grid]\nhidden = [4, 6]":                    `unknown key "lr"; known: config, seeds, metrics, set, grid, random; settings of all runs stand in [set]`,
		"[grid]\nlr = 1":                                       "s.toml: bad configuration: ",
		"[grid]\nlr = [0.1, 0.2, 0.10]":                        "lr has the value 0.1 twice",
		"[grid]\nlr = []":                                      "grid: lr has no values",
		"[grid]\nseed = [1, 2]":                                "grid holds seed; give the number of seeds as seeds",
		"[grid]\nlr = [0.1]\n[set]\nlr = 0.2":                  "lr is in set and in grid",
		"[grid]\nhiden = [4]":                                  `unknown key "hiden"; did you mean "hidden"?`,
		"[grid]\nlr = [0.1, \"fast\"]":                         `key "lr" is "fast"`,
		"[grid]\nei_ratio = [0.5]":                             `key "ei_ratio" has no effect`,
		"[set]\nruns_dir = \"x\"":                              "set holds runs_dir",
		"seeds = 5001\n[grid]\nlr = [0.1, 0.2]":                "the grid has 10002 runs, want at most 10000",
		"[random]\nlr = [1.0, 2.0, \"log\"]":                   "random: samples is <nil>, want how often",
		"[random]\nsamples = 2":                                "random has no key",
		"[random]\nsamples = 2\nlr = 1":                        "random: lr is 1, want [LOW, HIGH",
		"[random]\nsamples = 2\nlr = [0, 1, \"log\"]":          "with log both above 0",
		"[random]\nsamples = 2\nlr = [2, 1, \"uniform\"]":      "want a smaller and a larger number",
		"[random]\nsamples = 2\nlr = [2, \"x\", \"uniform\"]":  "holds x, want a number",
		"[random]\nsamples = 2\nlr = [1, 2]\n[set]\nlr = 0.1":  "is in random and in set or grid",
		"[random]\nsamples = 2\nsearch_seed = -1\nlr = [1, 2]": "search_seed is -1",
		"[random]\nsamples = 10001\nlr = [1, 2]":               "samples is 10001",
	} {
		out := filepath.Join(t.TempDir(), "out")
		galvani(t, "sweep", sweepFile(t, text), "--out", out).refused(t, exitConfig, says)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q: the folder is made", text)
		}
	}
	path := sweepFile(t, "[grid]\nlr = [0.1, 0.2]")
	galvani(t, "sweep", path, "--hidden", "4").refused(t, exitUsage, `unknown flag "--hidden"; known: --help, --jobs, --json, --out, --threads; try: galvani sweep --help; settings of all runs stand in [set]`)
	galvani(t, "sweep", path, "--threads", "-1").refused(t, exitConfig, `--threads: bad configuration: key "threads" is -1, want 0 to 1024`)
	galvani(t, "sweep", sweepFile(t, "[grid]\nthreads = [1, 2]"), "--threads", "1").refused(t, exitConfig, "--threads stands beside threads in ")
}

// TestSweepDraws draws settings: the same with one job and with two, within their bounds, and others with another
// number of the search.
func TestSweepDraws(t *testing.T) {
	t.Parallel()
	const text = `seeds = 2
[set]
facets = 3
steps = 6
train_size = 16
test_size = 8
batch = 8
epochs = 1
plots = "none"
[random]
samples = 3
hidden = [4, 6, "uniform"]
lr = [1e-4, 1e-2, "log"]
optimizer = ["adam", "sgd"]
`
	sweep := func(text, jobs string) sweepReport {
		return told[sweepReport](t, "sweep", sweepFile(t, text), "--out", filepath.Join(t.TempDir(), "out"), "--jobs", jobs)
	}
	one, two := sweep(text, "1"), sweep(text, "2")
	if strings.Join(one.Keys, " ") != "hidden lr optimizer" || len(one.Cells) != 3 || len(one.Cells[0].Tests) != 2 {
		t.Errorf("report %+v", one)
	}
	for i, c := range one.Cells {
		if *c.Mean != *two.Cells[i].Mean || strings.Join(c.Values, " ") != strings.Join(two.Cells[i].Values, " ") {
			t.Errorf("two jobs give %v of %v, one gives %v of %v", *two.Cells[i].Mean, two.Cells[i].Values, *c.Mean, c.Values)
		}
		h, lr := c.Values[0], c.Values[1]
		if x, err := strconv.ParseFloat(lr, 64); err != nil || x < 1e-4 || x > 1e-2 || h < "4" || h > "6" || len(h) > 1 {
			t.Errorf("sample %d is %v", i, c.Values)
		}
		if text, err := os.ReadFile(filepath.Join(one.Out, "curves.svg")); err != nil || !strings.Contains(string(text), "lr "+lr) {
			t.Errorf("the plot of the evaluations does not name lr %s, error %v", lr, err)
		}
	}
	if other := sweep(strings.Replace(text, "samples = 3", "samples = 1\nsearch_seed = 7", 1), "1"); strings.Join(other.Cells[0].Values, " ") == strings.Join(one.Cells[0].Values, " ") {
		t.Errorf("another search draws %v again", other.Cells[0].Values)
	}
}

// TestTrainSeeds makes several runs of one network, finds them the second time, and refuses what belongs to one run.
func TestTrainSeeds(t *testing.T) {
	t.Parallel()
	line := args(tiny, "--model", "rnn", "--epochs", "1", "--seeds", "2", "--seed", "5", "--jobs", "0", "--runs-dir", t.TempDir())
	o := galvani(t, args(line, "--json")...).ok(t)
	var r, again sweepReport
	o.tells(t, &r)
	if len(r.Cells) != 1 || len(r.Cells[0].Tests) != 2 || r.Cells[0].Half == nil || !strings.Contains(o.stderr, "seed 6: test_accuracy ") ||
		!strings.HasPrefix(filepath.Base(r.Out), "rnn-looming-seeds2-") {
		t.Errorf("report %+v, stderr %s", r, o.stderr)
	}
	if err := json.Unmarshal([]byte(galvani(t, args(line, "--json")...).ok(t).stdout), &again); err != nil || strings.Join(again.Cells[0].Runs, " ") != strings.Join(r.Cells[0].Runs, " ") {
		t.Errorf("the second time %+v, %v", again, err)
	}
	if text, err := os.ReadFile(filepath.Join(r.Out, "curves.svg")); err != nil || !strings.Contains(string(text), "validation accuracy") {
		t.Errorf("the plot of the evaluations: %v", err)
	}
	galvani(t, args(tiny, "--seeds", "0")...).refused(t, exitConfig, "--seeds is 0")
	galvani(t, args(tiny, "--jobs", "2")...).refused(t, exitUsage, "--jobs and --metrics have no effect without --seeds or --sweep")
	galvani(t, args(tiny, "--seeds", "2", "--resume", "auto")...).refused(t, exitUsage, "leave out --seeds")
}

// TestTrainSweep goes along two axes of the parameters of a microcircuit, with how far it is from the self-predicting state in
// the table and a plot, finds the runs the second time, and refuses what is no axis.
func TestTrainSweep(t *testing.T) {
	t.Parallel()
	given := []string{"train", "--model", "microcircuit", "--task", "bars", "--epochs", "1", "--eval-every", "8", "--plots", "none", "--runs-dir", t.TempDir()}
	line := args(given, "--sweep", "t-pres=0.2,1", "--sweep", "rule=latent-equilibrium,sacramento", "--metrics", "self_apical_layer1", "--json")
	var r, again sweepReport
	if err := json.Unmarshal([]byte(galvani(t, line...).ok(t).stdout), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 4 || strings.Join(r.Keys, " ") != "t_pres rule" || strings.Join(r.Cells[1].Values, " ") != "0.2 sacramento" || r.Metric != "test_accuracy" ||
		r.Cells[0].More[0] == nil || *r.Cells[0].More[0] == *r.Cells[2].More[0] {
		t.Errorf("report %+v", r)
	}
	if picture, err := os.ReadFile(filepath.Join(r.Out, "sweep.svg")); err != nil || !strings.Contains(string(picture), "t_pres") {
		t.Errorf("the plot: %v", err)
	}
	if err := json.Unmarshal([]byte(galvani(t, line...).ok(t).stdout), &again); err != nil || strings.Join(again.Cells[3].Runs, " ") != strings.Join(r.Cells[3].Runs, " ") {
		t.Errorf("the second time %+v, %v", again, err)
	}
	for _, c := range []struct{ sweep, want string }{
		{"t_pres", `--sweep is "t_pres", want a setting with its values`},
		{"seed=1,2", "give the number of seeds as --seeds"},
		{"epochs=1,2", "epochs is in --sweep and given besides"},
		{"tau_x=1,2", `unknown key "tau_x"`},
		{"t_pres=1,x", `t_pres`},
		{"t_pres=10,20,1e1", "t_pres has the value 1e1 twice"},
		{"t_pres=0.04", "shorter than a step"},
	} {
		galvani(t, args(given, "--sweep", c.sweep)...).refused(t, exitConfig, c.want)
	}
}
