package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"galvani/cmd/galvani/internal/config"
	"galvani/models/layered"

	"github.com/BurntSushi/toml"
)

//go:embed recipes.toml
var recipesFile []byte

// recipes holds by task the settings that suit it, and under the name of a model, in a table
// of its own, those that suit the pair.
type recipes map[string]map[string]any

func readRecipes() (recipes, error) {
	var r recipes
	if _, err := toml.NewDecoder(bytes.NewReader(recipesFile)).Decode(&r); err != nil {
		return nil, fmt.Errorf("recipes.toml: %w", err)
	}
	return r, nil
}

// recipeFor returns the recipe for a model on a task. What suits a task with every recurrent cell says nothing
// of layered networks, which have the recipes of the pair alone.
func recipeFor(model, task string) (layer, error) {
	all, err := readRecipes()
	if err != nil {
		return layer{}, err
	}
	l := layer{name: "recipes.toml"}
	pair, _ := all[task][model].(map[string]any)
	tables := []map[string]any{all[task], pair}
	if _, err := layered.Lookup(model); err == nil {
		tables = tables[1:]
	}
	for _, table := range tables {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if _, isTable := table[name].(map[string]any); !isTable {
				l.pairs = append(l.pairs, config.Pair{Name: name, Value: table[name]})
			}
		}
	}
	return l, nil
}
