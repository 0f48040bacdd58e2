package rundir

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// prune removes the checkpoints that step, just saved and verified, makes superfluous. A damaged
// one does not count among those that are kept. One that cannot be removed costs space only: it is
// logged, and tried again at the next Save.
func (r *Run) prune(step int64) {
	steps, err := r.steps()
	if err != nil {
		r.log.Warn("old checkpoints stay", "error", err)
	}
	kept := 0
	for _, s := range steps {
		if s <= step && kept < keepLast {
			if r.isWhole(s) {
				kept++
			}
			continue
		}
		name := r.path(checkpointDir, stepName(s))
		if err := r.fs.Remove(name); err != nil {
			r.log.Warn("old checkpoint stays", "path", name, "error", err)
		}
	}
}

// isWhole reports whether the checkpoint of a step can be loaded; it reads each file once.
func (r *Run) isWhole(step int64) bool {
	if !r.whole[step] {
		name := r.path(checkpointDir, stepName(step))
		_, err := LoadOn(r.fs, name)
		if err != nil {
			r.log.Warn("damaged checkpoint does not count", "path", name, "error", err)
			return false
		}
		r.whole[step] = true
	}
	return true
}

// steps returns the steps that have a checkpoint, newest first.
func (r *Run) steps() ([]int64, error) {
	dir := r.path(checkpointDir)
	names, err := r.fs.List(dir)
	if err != nil {
		return nil, ioErr("list", dir, err)
	}
	var steps []int64
	for _, n := range names {
		digits := strings.TrimSuffix(strings.TrimPrefix(n, "step-"), filepath.Ext(n))
		if s, err := strconv.ParseInt(digits, 10, 64); err == nil && s >= 0 && stepName(s) == n {
			steps = append(steps, s)
		}
	}
	slices.SortFunc(steps, func(a, b int64) int { return cmp.Compare(b, a) })
	return steps, nil
}

func stepName(step int64) string { return fmt.Sprintf("step-%012d.safetensors", step) }
