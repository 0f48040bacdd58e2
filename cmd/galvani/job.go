package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/cite"
	"galvani/engine/group"
	"galvani/engine/local"
	"galvani/engine/rundir"
	"galvani/kernels"
	"galvani/models"
	"galvani/models/layered"
	"galvani/models/rules"
)

// job is a session with all that it was made from.
type job struct {
	*settings
	place   place
	model   models.Entry
	about   data.Entry
	net     *models.Network // nil for a layered network
	layers  layered.Net     // nil for recurrent cells
	task    *data.Task
	cfg     engine.Config // of session
	session *engine.Session
	members []group.Group // of a dry run, otherwise this rank alone; session is that of the first
	source  []byte        // config.toml
	tested  *tested
	noisy   bool // evaluations have the noise of training
}

// open makes the session that the settings describe: device, data, network.
func (s *settings) open() (j *job, err error) {
	j = &job{settings: s}
	if j.source, err = s.file(); err != nil {
		return nil, err
	}
	if j.model, err = lookupModel(s.run.Model); err != nil {
		return nil, err
	}
	if j.about, err = lookupTask(s.run.Task); err != nil {
		return nil, err
	}
	if j.task, j.net, j.layers, err = s.build(); err != nil {
		return nil, err
	}
	if err := j.start(); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

// build opens the task and binds the network to it, of recurrent cells or layered.
func (s *settings) build() (task *data.Task, net *models.Network, layers layered.Net, err error) {
	if task, err = s.task.Open(s.env()); err != nil {
		return nil, nil, nil, err
	}
	if s.layers != nil {
		if err := s.fitsLayers(task); err != nil {
			return nil, nil, nil, err
		}
		layers, err = s.layers.Bind(s.run.Model, task.I, task.O)
	} else {
		net, err = s.bind(models.Dims{I: task.I, H: s.size.Hidden[0], O: task.O}, models.Within(boundHeap(localityOf(s.ranks))))
	}
	if errors.Is(err, kernels.ErrMemory) {
		return nil, nil, nil, fmt.Errorf("%w; make --hidden smaller", err)
	}
	if errors.Is(err, models.ErrWiring) { // of the file of rec_mask
		err = missingInput(err)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return task, net, layers, nil
}

// fitsLayers refuses sequences that a layered network does not read.
func (s *settings) fitsLayers(task *data.Task) error {
	if task.T == 1 {
		return nil
	}
	rule, err := rules.Lookup(*s.layers.By())
	switch {
	case err != nil || !rule.Temporal:
		return fmt.Errorf("%w: model %s reads its input in one step, and task %s has %d; take a task of one step, such as mnist, or a model of recurrent cells",
			config.ErrConfig, s.run.Model, task.Name, task.T)
	case task.Masked || task.Trials:
		return fmt.Errorf("%w: by rule %s a network learns sequences of one length with a target at the end or at every step, and those of task %s are %s; take another task, such as chain, or a model of recurrent cells",
			config.ErrConfig, rule.Name, task.Name, map[bool]string{true: "trials", false: "of different lengths"}[task.Trials])
	}
	return nil
}

// env is what the task is opened with besides its settings.
func (s *settings) env() data.Env {
	return data.Env{Dir: dataFolder(s.run.DataDir), Seed: s.opt.Seed, Validation: s.run.Validation}
}

// network is what is trained: recurrent cells, or layers.
func (j *job) network() analysis.Network {
	if j.layers != nil {
		return j.layers
	}
	return j.net
}

// needsForward refuses networks that are no steps of recurrent cells in time, for a command that looks at those.
func (j *job) needsForward(command string) error {
	if err := j.needsCells(command); err != nil {
		return err
	}
	if j.size.Bidirectional {
		return fmt.Errorf("%w: galvani %s follows the steps of a network in time, and this one reads sequences in both directions", config.ErrConfig, command)
	}
	return nil
}

// needsCells refuses a layered network for a command that is about recurrent cells.
func (j *job) needsCells(command string) error {
	if j.net == nil {
		return fmt.Errorf("%w: galvani %s looks at the state of recurrent cells, and model %s has none", config.ErrConfig, command, j.layers.Name())
	}
	return nil
}

// exact returns the network with the derivatives of what its cell computes, where training leaves out a part of them.
func (j *job) exact() (*models.Network, error) {
	c, ok := j.cell.(models.Exact)
	if !ok {
		return j.net, nil
	}
	s := *j.settings
	s.cell = c.Exact()
	return s.bind(models.Dims{I: j.task.I, H: s.size.Hidden[0], O: j.task.O})
}

// bind gives the cell its sizes.
func (s *settings) bind(d models.Dims, more ...models.Option) (*models.Network, error) {
	if s.size.H0 == "learned" {
		more = append(more, models.LearnedState())
	}
	if s.size.Bidirectional {
		more = append(more, models.BothWays())
	}
	if s.size.LayerNorm {
		more = append(more, models.Normed())
	}
	above, err := s.cellsAbove()
	if err != nil {
		return nil, err
	}
	return models.Bind(s.run.Model, s.cell, d, append(more, models.Layers(s.size.Layers), models.Above(above...), models.Sizes(s.size.Hidden...), models.Dropped(s.size.Dropout), models.ReadoutScale(s.size.ReadoutScale),
		models.Noised(models.Noise{Rec: s.size.RecNoise, Input: s.size.InputNoise}),
		models.FeedbackBy(s.feedback()), models.Frozen(s.size.Freeze...), models.Wired(s.wiring))...)
}

// cellsAbove returns the cells of layer_cells with their default settings.
func (s *settings) cellsAbove() (list []models.Cell, err error) {
	for _, name := range s.size.LayerCells {
		e, err := models.Lookup(name)
		if err != nil {
			return nil, fmt.Errorf("key \"layer_cells\": %w", err)
		}
		cell := e.New()
		if c, ok := cell.(models.Settler); ok {
			c.Settle()
		}
		list = append(list, cell)
	}
	return list, nil
}

// units says how many units a network has.
func (j *job) units() string {
	switch {
	case j.layers != nil:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(j.layers.Sizes()), "[]"), " ", "-") + ", " + j.layers.Rule().Name
	case j.net.Depth() == 1:
		return fmt.Sprintf("%d units", j.net.Hidden())
	}
	levels, sizes := j.net.Depth(), fmt.Sprint(j.net.Hidden())
	if j.size.Bidirectional {
		levels /= 2
	}
	if list := j.size.Hidden; len(list) > 1 {
		sizes = strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ", ")
	}
	text := fmt.Sprintf("%d layers of %s units", levels, sizes)
	if j.size.Bidirectional {
		text += " in each direction"
	}
	if above := j.size.LayerCells; len(above) > 0 {
		text += ", " + j.run.Model + ", " + strings.Join(above, ", ")
	}
	return text
}

// feedback returns the way in which errors come back from the read-out.
func (s *settings) feedback() models.Feedback {
	return models.Feedback(slices.Index(models.Feedbacks, s.size.Feedback))
}

// start opens the device and the session on it. A GPU that was not asked for by name and that
// has too little memory gives way to the CPU.
func (j *job) start() (err error) {
	memory, err := parseBytes("memory", j.run.Memory)
	if err != nil {
		return err
	}
	near := localityOf(j.ranks)
	if j.place, err = choosePlace(j.run, near); err != nil {
		return err
	}
	if err := j.fitsPrecision(); err != nil {
		return err
	}
	if memory > 0 && j.place.dev == nil {
		return fmt.Errorf(`%w: key "memory" is %q, but the unrolled graph keeps every step; leave it out, or compute with the fused scan`,
			config.ErrConfig, j.run.Memory)
	}
	if j.members, err = j.play(); err != nil {
		return err
	}
	course, err := j.curriculum(j.task)
	if err != nil {
		return err
	}
	j.cfg = engine.Config{Net: j.network(), Task: j.task, Device: j.place.dev, Options: j.opt, Memory: memory, Group: j.members[0], Curriculum: course,
		Source: string(j.source), Version: thisBuild().String()}
	switch net := j.layers.(type) {
	case *layered.Network:
		if j.cfg.Exact = net.Exact(); net.Angles() {
			j.cfg.Compare = &engine.Comparison{Pairs: net.Pairs()}
		}
	case layered.Stepped:
		j.learnLocally(net)
	}
	j.session, err = engine.NewSession(j.cfg)
	if j.place.auto && (errors.Is(err, kernels.ErrMemory) || errors.Is(err, kernels.ErrLost)) {
		if err := j.place.close(); err != nil {
			return err
		}
		if j.place, err = cpuPlace(j.run, near, reason(err)); err != nil {
			return err
		}
		j.cfg.Device = j.place.dev
		if net, ok := j.layers.(layered.Stepped); ok {
			j.learnLocally(net)
		}
		j.session, err = engine.NewSession(j.cfg)
	}
	if errors.Is(err, kernels.ErrMemory) {
		return fmt.Errorf("%w; make --batch, --hidden or the sequences smaller, or give another --memory or --device", err)
	}
	return err
}

// fitsPrecision refuses a precision that a CPU has in the scans of cells with products alone, where the network has none.
func (j *job) fitsPrecision() error {
	if _, gpu := j.place.dev.(kernels.Resident); gpu || j.run.Precision == "fp32" || j.layers == nil && j.net.Scan().Neuron == nil {
		return nil
	}
	return fmt.Errorf(`%w: key "precision" is %s, which on a CPU recurrent networks have, and model %s computes in fp32; leave it out`, config.ErrConfig, j.run.Precision, j.run.Model)
}

// learnLocally lets a network learn while it runs on the device of the job.
func (j *job) learnLocally(net layered.Stepped) {
	dev := j.place.dev
	j.cfg.Learner = local.NewLearner(net, func(width int, params [][]float32) (local.Run, error) {
		return net.Start(dev, width, params, j.opt.Seed)
	})
}

func (j *job) close() error {
	var err error
	if j.session != nil {
		err = j.session.Close()
	}
	return errors.Join(err, j.place.close())
}

// references returns the works behind the cell, the task and the wiring as BibTeX.
func (j *job) references() []byte {
	works := slices.Concat(j.model.References, j.about.References)
	if j.layers != nil {
		return cite.BibTeX(append(works, j.layers.Rule().References...))
	}
	for _, name := range j.size.LayerCells {
		if e, err := models.Lookup(name); err == nil {
			works = append(works, e.References...)
		}
	}
	if j.size.LayerNorm {
		works = append(works, models.NormWork)
	}
	return cite.BibTeX(slices.Concat(works, j.wiring.References(), j.feedback().References()))
}

// findRun returns the run directory that a name means, and the checkpoint if it names one.
func findRun(name string, flags layer) (dir, checkpoint string, err error) {
	if name == "auto" {
		dir, err = newestRun(flags)
		return dir, "", err
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return filepath.Dir(filepath.Dir(name)), name, nil
	}
	return name, "", nil
}

// newestRun returns the last begun run of the runs directory: names begin with the time.
func newestRun(flags layer) (string, error) {
	runs := defaultRunKeys()
	for _, p := range flags.pairs {
		if text, ok := p.Value.(config.Text); ok && p.Name == "runs_dir" {
			runs.RunsDir = string(text)
		}
	}
	entries, err := os.ReadDir(runs.RunsDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for _, e := range slices.Backward(entries) {
		if dir := filepath.Join(runs.RunsDir, e.Name()); e.IsDir() {
			if _, err := rundir.View(dir); err == nil {
				return dir, nil
			}
		}
	}
	return "", fmt.Errorf("%w: there is no run in %s; name one, or its folder with --runs-dir", config.ErrConfig, runs.RunsDir)
}

// pick loads the checkpoint that is named, or else the newest that is whole; say gets a line
// about each that was passed over.
func pick(run *rundir.Run, checkpoint string, say func(string, ...any)) (*rundir.State, error) {
	if checkpoint != "" {
		state, err := rundir.Load(checkpoint)
		return state, missingInput(err)
	}
	state, skipped, err := run.Latest()
	for _, bad := range skipped {
		say("passed over: %v", bad)
	}
	return state, err
}

// thousands writes a count with spaces: 12 345.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return strings.TrimPrefix(s, " ")
}
