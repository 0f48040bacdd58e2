package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/models"
)

// pairs makes the pairs of flags or of a file.
func pairs(kv ...any) []config.Pair {
	var list []config.Pair
	for i := 0; i < len(kv); i += 2 {
		list = append(list, config.Pair{Name: kv[i].(string), Value: kv[i+1]})
	}
	return list
}

// TestEveryPairResolves holds that any model goes with any task: no key has two owners, every
// recipe applies, and the written configuration reads back as itself.
func TestEveryPairResolves(t *testing.T) {
	for _, m := range models.All() {
		for _, k := range data.All() {
			s, err := resolve(layer{pairs: pairs("model", m.Name, "task", k.Name)})
			if err != nil {
				t.Errorf("%s on %s: %v", m.Name, k.Name, err)
				continue
			}
			text, err := s.file()
			if err != nil {
				t.Fatal(err)
			}
			read, err := config.Decode(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			again, err := resolve(layer{name: "config.toml", pairs: read})
			if err != nil {
				t.Errorf("%s on %s: %v", m.Name, k.Name, err)
				continue
			}
			if second, _ := again.file(); !bytes.Equal(text, second) {
				t.Errorf("%s on %s: written\n%s\nread back\n%s", m.Name, k.Name, text, second)
			}
		}
	}
}

// TestRecipesName holds that no recipe is for something that does not exist.
func TestRecipesName(t *testing.T) {
	all, err := readRecipes()
	if err != nil {
		t.Fatal(err)
	}
	for task, table := range all {
		if _, err := lookupTask(task); err != nil {
			t.Error(err)
		}
		for name, value := range table {
			if _, isTable := value.(map[string]any); isTable {
				if _, err := lookupModel(name); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestLayersOverrule holds the order: defaults, recipe, file, flags.
func TestLayersOverrule(t *testing.T) {
	plain, err := resolve()
	if err != nil {
		t.Fatal(err)
	}
	if plain.run.Model != "crnn" || plain.run.Task != "looming" {
		t.Errorf("default is %s on %s, want crnn on looming", plain.run.Model, plain.run.Task)
	}
	recipe, err := recipeFor("crnn", "looming")
	if err != nil || len(recipe.pairs) == 0 {
		t.Fatalf("recipe for crnn on looming: %v, %v", recipe, err)
	}
	for _, p := range recipe.pairs {
		k, err := plain.Lookup(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		got := k.String()
		if err := k.Assign(p.Value); err != nil || got != k.String() {
			t.Errorf("%s is %s, want %v of the recipe (%v)", p.Name, got, p.Value, err)
		}
	}
	file := layer{name: "f.toml", pairs: pairs("lr", 0.25, "batch", int64(7))}
	s, err := resolve(file, layer{pairs: pairs("batch", config.Text("9"))})
	if err != nil {
		t.Fatal(err)
	}
	if s.opt.LR != 0.25 || s.opt.Batch != 9 {
		t.Errorf("lr, batch = %v, %d; want 0.25 of the file, 9 of the flag", s.opt.LR, s.opt.Batch)
	}
}

func TestResolveRefuses(t *testing.T) {
	for _, tt := range []struct {
		layers []layer
		want   string
	}{
		{[]layer{{pairs: pairs("model", "crn")}}, `unknown model "crn"; did you mean "crnn"?`},
		{[]layer{{pairs: pairs("task", "loming")}}, `unknown task "loming"; did you mean "looming"?`},
		{[]layer{{name: "f.toml", pairs: pairs("model", int64(3))}}, `f.toml: bad configuration: key "model" is 3, want a string`},
		{[]layer{{name: "f.toml", pairs: pairs("hiden", int64(3))}}, `f.toml: bad configuration: unknown key "hiden"; did you mean "hidden"?`},
		{[]layer{{pairs: pairs("model", "rnn", "tau_s", config.Text("3"))}}, `unknown key "tau_s"`},
		{[]layer{{pairs: pairs("model", "crnn", "tau_x", config.Text("3"))}}, `unknown key "tau_x"; did you mean "tau_s"?`},
		{[]layer{{pairs: pairs("batch", config.Text("-3"))}}, `key "batch" is -3, want 1 to 65536`},
		{[]layer{{pairs: pairs("hidden", config.Text("0"))}}, `key "hidden" is 0, want 1 to 65536`},
		{[]layer{{pairs: pairs("seed", int64(-1))}}, `key "seed" is -1, want at least 0`},
	} {
		_, err := resolve(tt.layers...)
		if !errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: error %v, want ErrConfig with %q", tt.layers, err, tt.want)
		}
	}
}

// TestOlderRunsKeepTheirBehaviour holds that a run whose file lacks a key that was added later goes
// on without what the key brought, and that a new run has it.
func TestOlderRunsKeepTheirBehaviour(t *testing.T) {
	later := map[string]string{"decay_on": "all", "validation": "0"}
	fresh, err := resolve(layer{name: "f.toml", pairs: pairs("lr", 0.25)})
	if err != nil {
		t.Fatal(err)
	}
	old, err := resolve(layer{name: "config.toml", pairs: pairs("lr", 0.25), whole: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range later {
		a, err := fresh.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := old.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if a.String() == want || b.String() != want {
			t.Errorf("%s is %s in a new run and %s in an older one, want another value and %s", name, a, b, want)
		}
	}
	if len(old.notes) > 0 {
		t.Errorf("notes %q on keys that are not in the file", old.notes)
	}
	again, err := resolve(layer{name: "config.toml", pairs: pairs("decay_on", []any{"W"}), whole: true})
	if err != nil || again.opt.DecayOn[0] != "W" {
		t.Errorf("decay_on is %v, %v; want what the file says", again.opt.DecayOn, err)
	}
}
