package engine

import (
	"cmp"
	"context"
	"errors"

	"galvani/data"
	"galvani/engine/group"
	"galvani/engine/rundir"
)

// Observer watches a run: progress bar, metrics file, TensorBoard. An error ends the run.
type Observer interface {
	// Stepped is called after each update.
	Stepped(StepEvent) error
	// Evaluated is called after each evaluation.
	Evaluated(EvalEvent) error
}

// StepEvent is one update.
type StepEvent struct {
	StepResult
	Epoch   int     // counted from 0
	Batch   int     // within the epoch, counted from 0
	Running Metrics // over the epoch so far, this update included
}

// EvalEvent is one evaluation on the validation set of the task, or on its test set where it has
// no validation set.
type EvalEvent struct {
	Step     int // updates made before
	Epoch    int
	Train    Metrics // of the training batches of the epoch so far
	Set      string  // what Held was measured on: validation or test
	Held     Metrics
	Improved bool // the best so far
	Level    int  // of Config.Curriculum that Held is of; len(Curriculum.Levels) for the task itself
	// Against are the directions of what the network learns by beside the gradient (Config.Compare), on the
	// first training batch with the parameters as they are now.
	Against []Direction
	// Curvature is what Options.Hessian asks for, nil for none.
	Curvature *Curvature
	// Told is what a Teller tells of the same batch, by the names of metrics.
	Told map[string]float64
}

// Saver keeps checkpoints. *rundir.Run is one.
type Saver interface {
	Save(*rundir.State) error
	SaveBest(*rundir.State) error
	// Best returns the last state given to SaveBest, by any process; rundir.ErrNoCheckpoint if
	// there is none.
	Best() (*rundir.State, error)
}

// Result is how a run ended.
type Result struct {
	Outcome Outcome
	Cause   error    // of NotFinite and DeviceLost, otherwise nil
	Step    int      // updates made
	Saved   bool     // a checkpoint holds the state as it was after Step updates
	Best    *Metrics // of the best evaluation, nil before the first
	Last    *Metrics // of the last evaluation of this call, nil before the first
}

// Train runs the session to its end: all steps, early stop, cancellation or failure. It goes
// on from where the session stands, which after Restore is the middle of a run. On
// cancellation of ctx it finishes the update under way and saves. A run that fails saves, too,
// unless its state is lost with the device or holds a value that is not finite.
//
// Observer and saver may be nil. Errors are those that are no outcome: of observer, saver and
// data; the result is valid beside them.
func (s *Session) Train(ctx context.Context, obs Observer, save Saver) (Result, error) {
	t := &trainer{Session: s, obs: obs, save: save, total: s.Steps(), perEpoch: s.BatchesPerEpoch(), compared: -1}
	plan := s.now().trainPlan()
	if n, ranks := s.cfg.Options.Shards, s.cfg.group(); ranks.Size() > 1 {
		plan.own = func(width int) (lo, hi int) {
			first, end, _ := group.Share(n, ranks.Rank(), ranks.Size()) // newShards has looked at the error
			return columns(first, n, width), columns(end, n, width)
		}
	}
	t.plan, t.loader = plan, newLoader(s.cfg.Task, plan)
	defer func() { t.loader.close() }()
	var err error
	if t.kept, err = s.steps.keepTraining(); err != nil {
		return Result{}, err
	}
	if err := t.findRecord(); err != nil {
		return Result{}, err
	}
	outcome, err := t.run(ctx)
	saved := err == nil && save != nil || err != nil && t.rescue()
	r := Result{Outcome: outcome, Step: s.progress.Step, Saved: saved, Best: t.best(), Last: t.last}
	if o, ok := outcomeOf(err); ok {
		r.Outcome, r.Cause, err = o, err, nil
	}
	return r, err
}

// trainPlan is the order of the training samples.
func (c Config) trainPlan() plan {
	o := c.Options
	return plan{set: c.Task.Train, batch: c.fullWidth(c.Task.Train), shuffle: !o.Stateful, stateful: o.Stateful, seed: o.Seed}
}

// trainer is one call of Train.
type trainer struct {
	*Session
	obs             Observer
	save            Saver
	plan            plan // of the training samples
	loader          *loader
	kept            *kept // the training set on the device, or nil
	total, perEpoch int
	last            *Metrics
	record          result // the best one so far that was saved as such, if there is a saver
	unsaved         bool   // updates were made since the last checkpoint
	unable          bool   // the saver has failed, or what there is to save is not known to be right
	compared        int    // updates made when the ranks last compared what they hold, −1 before
}

// run goes through the cycle evaluation, checkpoint, update. A run that is cut off between
// any two of them and restored goes on with the next one.
func (t *trainer) run(ctx context.Context) (Outcome, error) {
	p, o := &t.progress, t.cfg.Options
	for {
		if stop, err := t.stops(ctx); stop || err != nil {
			if err != nil {
				return Done, err
			}
			return Cancelled, t.keep()
		}
		if p.Pending {
			err := t.evaluate(ctx)
			if errors.Is(err, errCutOff) {
				continue // and stop
			}
			if err != nil {
				return Done, err
			}
		}
		epochEnds := p.Batch == t.perEpoch
		if epochEnds {
			p.Epoch, p.Batch, p.Running = p.Epoch+1, 0, Metrics{}
			if err := t.learner.Rest(Training); err != nil {
				return Done, err
			}
		}
		outcome, ends := Done, p.Step >= t.total
		switch {
		case t.arrived():
			outcome, ends = Reached, true
		case o.Patience > 0 && p.Stale >= o.Patience:
			outcome, ends = EarlyStopped, true
		}
		if ends {
			if !t.unsaved {
				return outcome, nil
			}
			return outcome, t.keep()
		}
		if t.unsaved && every(o.CheckpointEvery, p.Step, epochEnds) {
			if err := t.keep(); err != nil {
				return Done, err
			}
		}
		if t.compares() {
			if err := t.same(); err != nil {
				return Done, err
			}
		}
		if err := t.update(); err != nil {
			return Done, err
		}
	}
}

// every reports whether something is due that happens each n updates, or at the end of each
// epoch where n is 0.
func every(n, step int, epochEnds bool) bool {
	if n == 0 {
		return epochEnds
	}
	return step%n == 0
}

// update makes one update while the next batch is being filled.
func (t *trainer) update() error {
	p := &t.progress
	at := place{p.Epoch, p.Batch}
	b, err := t.next(at)
	if err != nil {
		return err
	}
	if err := t.queue(b, at); err != nil {
		return err
	}
	p.Batch++
	t.unsaved = true
	held, _ := t.now().selection()
	p.Pending = held != nil && held.Len() > 0 && (t.scheduled() || p.Step == t.total)
	// What an evaluation, a new epoch or the end of the run builds on has to be there.
	if t.steps.due() || p.Pending || p.Batch == t.perEpoch || p.Step == t.total {
		return t.tell(true)
	}
	return nil
}

// next returns the batch at a place and begins to fill the one after it.
func (t *trainer) next(at place) (*data.Batch, error) {
	if t.kept != nil && t.kept.plan.width(at.batch) == t.kept.plan.batch {
		return t.kept.take(at)
	}
	b, err := t.loader.next(at)
	if err == nil && t.kept == nil && t.progress.Step+1 < t.total {
		t.loader.prefetch(t.after(at))
	}
	return b, err
}

// tell reports the updates that are finished; with wait it waits for all that are queued.
func (t *trainer) tell(wait bool) error {
	done, err := t.finished(wait)
	var blind error // of the observer; what is finished counts all the same
	for _, m := range done {
		t.progress.Running.Add(m.Metrics)
		if t.obs == nil || blind != nil {
			continue
		}
		e := StepEvent{StepResult: m.StepResult, Epoch: m.at.epoch, Batch: m.at.batch, Running: t.progress.Running}
		blind = t.obs.Stepped(e)
	}
	var r *refused
	if !errors.As(err, &r) {
		return cmp.Or(err, blind)
	}
	t.progress.Epoch, t.progress.Batch, t.progress.Pending = r.at.epoch, r.at.batch, false
	b, err := t.loader.again(r.at)
	if err != nil {
		return err
	}
	return r.explain(b)
}

// after returns the place of the batch that follows.
func (t *trainer) after(at place) place {
	if at.batch+1 < t.perEpoch {
		return place{at.epoch, at.batch + 1}
	}
	return place{at.epoch + 1, 0}
}

// evaluate measures the set of evaluations and keeps the best checkpoint. An evaluation that is due only because the run
// ends is none that later ones build on: neither the level nor what patience counts changes, so that a run with more updates
// that goes on from there is one that was never ended.
func (t *trainer) evaluate(ctx context.Context) error {
	t.loader.settle() // sets need not bear two calls of Fill at once
	set, name := t.now().selection()
	m, err := t.shared(ctx, set)
	if err != nil {
		return err
	}
	p := &t.progress
	before := *p
	here := result{p.Level, &m}
	improved := here.better(p.best())
	p.Pending, t.last = false, &m
	p.Stale, p.Flat = p.Stale+1, p.Flat+1
	if improved {
		p.Best, p.BestLevel, p.Stale, p.Flat = &m, here.level, 0, 0
	}
	if t.scheduled() && t.passed(m) {
		p.Level, p.Stale, p.Flat = p.Level+1, 0, 0
	}
	if o := t.cfg.Options; o.Schedule == "plateau" && p.Flat >= o.StepAfter {
		p.Drops, p.Flat = p.Drops+1, 0
	}
	if improved = improved && !t.record.better(here); improved {
		if err := t.saveBest(); err != nil {
			*p = before // the evaluation is due again
			return err
		}
	}
	if !t.scheduled() {
		*p = before
		p.Pending = false
	}
	if p.Level != here.level {
		t.rise()
	}
	if t.obs == nil {
		return nil
	}
	against, err := t.against()
	if err != nil {
		return err
	}
	bent, err := t.curvature()
	if err != nil {
		return err
	}
	told, err := t.told()
	if err != nil {
		return err
	}
	return t.obs.Evaluated(EvalEvent{Step: p.Step, Epoch: p.Epoch, Train: p.Running, Set: name, Held: m, Improved: improved, Level: here.level,
		Against: against, Curvature: bent, Told: told})
}

// scheduled reports whether an evaluation is due here however many updates the run has.
func (t *trainer) scheduled() bool {
	p := &t.progress
	return every(t.cfg.Options.EvalEvery, p.Step, p.Batch == t.perEpoch)
}
