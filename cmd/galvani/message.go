package main

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/adopt"
	"galvani/engine/dynamics"
	"galvani/engine/group"
	"galvani/engine/npz"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models"
	membranes "galvani/models/event"
	"galvani/models/neurons"
	"galvani/models/neurons/correspond"
	"galvani/models/neurons/fit"
)

// classes are the errors that tell programs of which kind a failure is. Their names stand behind the
// cause, of which they say less, so people are not shown them there.
var classes = []error{models.ErrWiring, models.ErrGraph, models.ErrPart, adopt.ErrMatch, membranes.ErrEvent, data.ErrConfig, data.ErrMissing, data.ErrCorrupt,
	engine.ErrOption, engine.ErrUnequal, engine.ErrState, dynamics.ErrOption, kernels.ErrShape, kernels.ErrNoDevice, safetensors.ErrInvalid,
	experiment.ErrSettings, rows.ErrRows, errInput, neurons.ErrWave, neurons.ErrCable, fit.ErrRecording, fit.ErrSettings, correspond.ErrSettings, npz.ErrFormat, group.ErrShares, group.ErrLauncher, group.ErrLost}

// remedies say what helps where a file cannot be written.
var remedies = []struct {
	kind error
	text string
}{
	{syscall.ENOSPC, "free some space there, or write elsewhere"},
	{syscall.EDQUOT, "free some space there, or write elsewhere"},
	{syscall.EFBIG, "raise the limit of file sizes (ulimit -f)"},
	{syscall.EROFS, "choose a folder that can be written"},
	{fs.ErrPermission, "choose a folder that can be written"},
}

// remedy returns what helps after an error of writing, empty where it is not known or said already.
func remedy(err error) string {
	path := (*fs.PathError)(nil)
	if !errors.As(err, &path) || errors.Is(err, rundir.ErrIO) || slices.Contains([]string{"open", "read", "stat", "lstat", "readdirent"}, path.Op) {
		return ""
	}
	for _, r := range remedies {
		if errors.Is(path.Err, r.kind) {
			return "; " + r.text
		}
	}
	return ""
}

// plainWord is what a shell takes for one word as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// word writes an argument of a command that is told, so that a shell takes it for one.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// message returns the text of an error for people: without the names of classes behind the cause.
func message(err error) string {
	text := err.Error() + remedy(err)
	for {
		before := text
		for _, class := range classes {
			if !errors.Is(err, class) {
				continue
			}
			name := ": " + class.Error()
			text = strings.ReplaceAll(strings.TrimSuffix(text, name), name+"; ", "; ")
		}
		if text == before {
			return text
		}
	}
}
