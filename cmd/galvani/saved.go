package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/rundir"
)

const configName = "config.toml" // in a run directory

// changeable are the keys that a resumed run may change: where it runs and how long.
var changeable = []string{"device", "backend", "precision", "memory", "threads", "dry_run_ranks", "accumulate", "shards", "data_dir", "runs_dir", "plots", "epochs", "max_steps",
	"patience", "stop_at", "eval_every", "checkpoint_every", "hessian"}

// savedSettings returns the settings of a run that a checkpoint belongs to, with the flags that
// may overrule them. The checkpoint, which is protected by hashes, holds the settings, too: the
// file of the run may differ from it in the keys that can change. Without a file the settings of
// the checkpoint are taken.
//
// Errors: config.ErrConfig for a file that was cut off or edited, with the remedy.
func savedSettings(run *rundir.Run, state *rundir.State, flags layer) (*settings, error) {
	file := layer{name: filepath.Join(run.Dir(), configName), whole: true}
	free := layer{name: flags.name, pairs: slices.DeleteFunc(slices.Clone(flags.pairs), func(p config.Pair) bool { return !slices.Contains(changeable, p.Name) })}
	held, err := heldPairs(state)
	if err != nil {
		return nil, err
	}
	text, err := run.Read(configName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file.name, file.pairs = state.Path, held
	case err != nil:
		return nil, err
	default:
		if file.pairs, err = config.Decode(bytes.NewReader(text)); err == nil && belongs(state, run) {
			err = sameRun(file.pairs, held, config.Sealed(text))
		}
		if err != nil {
			return nil, fmt.Errorf("%w; remove the file to take the settings of the checkpoint, or begin another run with a copy: galvani train --config COPY",
				file.wrap(err))
		}
	}
	s, err := resolve(file, free)
	if err != nil {
		return nil, err
	}
	for _, p := range flags.pairs {
		if !slices.Contains(changeable, p.Name) && !s.has(file, free, p) {
			return nil, fmt.Errorf("%w: key %q belongs to the run and cannot change; begin another with: galvani train --config %s",
				config.ErrConfig, p.Name, word(file.name))
		}
	}
	return s, s.takeCopies(run.Dir())
}

// has reports whether one more pair leaves the settings of a run as they are, so that the command that began it may go on with
// it.
func (s *settings) has(file, free layer, p config.Pair) bool {
	same, err := resolve(file, free, layer{pairs: []config.Pair{p}})
	if err != nil {
		return false
	}
	before, wrong := s.file()
	after, bad := same.file()
	return wrong == nil && bad == nil && bytes.Equal(before, after)
}

// savedFor returns savedSettings for a number of ranks. A run that was begun with whole batches goes on with the
// shards that a run on ranks has.
func savedFor(ranks int, run *rundir.Run, state *rundir.State, flags layer) (*settings, error) {
	s, err := savedSettings(run, state, flags)
	if err != nil || max(ranks, s.run.DryRunRanks) == 1 || s.opt.Shards != 1 || s.whole() ||
		slices.ContainsFunc(flags.pairs, func(p config.Pair) bool { return p.Name == "shards" }) {
		return s, err
	}
	s.opt.Shards = 0
	s.opt.Divide(true)
	flags.pairs = append(slices.Clip(flags.pairs), config.Pair{Name: "shards", Value: config.Text(strconv.Itoa(s.opt.Shards))})
	return savedSettings(run, state, flags)
}

// belongs reports whether a checkpoint lies in a run directory; one of another run may be looked at
// with the settings of this one, where it fits.
func belongs(state *rundir.State, run *rundir.Run) bool {
	a, errA := filepath.Abs(filepath.Dir(filepath.Dir(state.Path)))
	b, errB := filepath.Abs(run.Dir())
	return errA == nil && errB == nil && a == b
}

// heldPairs returns the settings that a checkpoint holds.
func heldPairs(state *rundir.State) ([]config.Pair, error) {
	pairs, err := config.Decode(bytes.NewReader([]byte(state.Config)))
	if err != nil {
		return nil, fmt.Errorf("settings in %s: %w", state.Path, err)
	}
	return pairs, nil
}

// checkpointSettings resolves the settings that a checkpoint holds.
func checkpointSettings(state *rundir.State) (*settings, error) {
	pairs, err := heldPairs(state)
	if err != nil {
		return nil, err
	}
	return resolve(layer{name: state.Path, pairs: pairs, whole: true})
}

// sameRun holds the settings of a file against those of a checkpoint. Only keys that can change
// may differ. None may be missing, unless the file is known to be whole: another version of the
// program may have fewer.
func sameRun(file, held []config.Pair, whole bool) error {
	values := map[string]any{}
	for _, p := range file {
		values[p.Name] = p.Value
	}
	for _, p := range held {
		v, ok := values[p.Name]
		if !ok && !whole {
			return fmt.Errorf("%w: key %q is missing, which the checkpoint has", config.ErrConfig, p.Name)
		}
		if ok && fmt.Sprint(v) != fmt.Sprint(p.Value) && !slices.Contains(changeable, p.Name) {
			return fmt.Errorf("%w: key %q is %v, in the checkpoint %v", config.ErrConfig, p.Name, v, p.Value)
		}
	}
	return nil
}
