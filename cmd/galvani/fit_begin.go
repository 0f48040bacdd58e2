package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/infile"
	"galvani/engine/npz"
	"galvani/engine/rundir"
	"galvani/engine/setting"
	"galvani/models/neurons"
)

// begin takes up what is asked for, and returns how the fit is opened.
func (r *fitRun) begin(neuron, to, learn string, bounds []string, out string) (*fitSource, error) {
	recordings := words(to)
	if r.Neuron, r.Learn = neuron, words(learn); len(recordings) == 0 || len(r.Learn) == 0 {
		return nil, fmt.Errorf("%w: fit needs --to with a recording or more and --learn with a name or more", config.ErrConfig)
	}
	for i, name := range r.Learn {
		if slices.Contains(r.Learn[:i], name) {
			return nil, fmt.Errorf("%w: --learn has %s twice; leave one out", config.ErrConfig, name)
		}
	}
	r.given = bounds
	if strings.HasSuffix(neuron, ".toml") { // the folder names it from where it lies
		path, err := filepath.Abs(neuron)
		if err == nil {
			var at string
			if at, err = filepath.Abs(out); err == nil {
				r.Neuron, err = filepath.Rel(at, path)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return &fitSource{neuron: neuron, recordings: recordings}, nil
}

// bound takes up the bounds that are given.
func (r *fitRun) bound(n *neurons.Neuron) error {
	if r.Bounds == nil {
		r.Bounds = map[string][2]float64{}
	}
	for _, text := range r.given {
		name, pair, _ := strings.Cut(text, "=")
		lo, hi, ok := parseSpan(pair)
		if !ok || !(lo < hi) {
			return fmt.Errorf("%w: --bounds is %q, want NAME=LO:HI with LO below HI", config.ErrConfig, setting.Shorten(text))
		}
		unit := n.Written(name)
		r.Bounds[name] = [2]float64{unit.In(lo), unit.In(hi)}
	}
	return nil
}

// words returns what stands between commas, without blanks around it.
func words(text string) (list []string) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// newFolder names a folder in that of the runs, by the time and what it is for.
func newFolder(what string) string {
	return filepath.Join(defaultRunKeys().RunsDir, rundir.Name(time.Now(), what))
}

// load reads the fit of a folder.
func (r *fitRun) load(dir string) (*fitSource, error) {
	file := filepath.Join(dir, fitFile)
	if _, err := os.Stat(file); err != nil {
		return nil, missingInput(err)
	}
	var err error
	if r.lock, err = rundir.LockFolder(dir); err != nil {
		return nil, err
	}
	text, err := infile.Read(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%w: %s is not that of a fit: %w", config.ErrConfig, file, err)
	}
	s := &fitSource{neuron: r.Neuron}
	if strings.HasSuffix(s.neuron, ".toml") {
		s.neuron = filepath.Join(dir, s.neuron)
	}
	for _, name := range r.Recordings {
		s.recordings = append(s.recordings, filepath.Join(dir, name))
	}
	return s, nil
}

// folder makes that of a fit, with copies of its recordings, and returns it. Where none was asked for, that of
// another fit of the same second leads to the next name, as for runs.
func (r *fitRun) folder(out string, from *fitSource, asked bool) (string, error) {
	if !asked {
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			return "", err
		}
	}
	err := os.Mkdir(out, 0o755)
	for name, k := out, 2; !asked && os.IsExist(err) && k <= mostOfASecond; k++ {
		out = fmt.Sprintf("%s-%d", name, k)
		err = os.Mkdir(out, 0o755)
	}
	if os.IsExist(err) {
		return "", fmt.Errorf("%w: --out %s is there already; give another folder, or go on with --resume %s", config.ErrConfig, out, out)
	}
	if err != nil {
		return "", err
	}
	if r.lock, err = rundir.LockFolder(out); err != nil {
		return "", err
	}
	for i, text := range from.texts {
		name := fmt.Sprintf("recording-%d.csv", i+1)
		if bytes.HasPrefix(text, []byte(npz.Magic)) {
			name = fmt.Sprintf("recording-%d.npz", i+1)
		}
		r.Recordings = append(r.Recordings, name)
		if err := writeBytes(filepath.Join(out, name), text); err != nil {
			return "", err
		}
	}
	return out, nil
}

// mostOfASecond is how many fits may begin in one second.
const mostOfASecond = 1000
