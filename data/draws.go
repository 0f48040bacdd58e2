package data

// Sampling is the settings that all generated tasks share.
type Sampling struct {
	Fresh     bool `toml:"fresh" doc:"draw new training samples every epoch"`
	TrainSize int  `toml:"train_size" doc:"training samples per epoch" unit:"1" min:"1" max:"100000000"`
	TestSize  int  `toml:"test_size" doc:"test samples" unit:"1" min:"1" max:"100000000"`
}

// draws is what all generated sets have in common: samples that are made when asked for, from
// the seed, the split, the epoch and the index.
type draws struct {
	task  *Task
	seed  uint64
	split split
	fresh bool // each epoch has samples of its own
	size  int
}

// draw gives a generated task its sets. Validation and test samples are the same in every epoch, and
// training samples are what they are without a validation part.
func (s Sampling) draw(t *Task, env Env, set func(draws) Set) {
	t.Train = set(draws{t, env.Seed, train, s.Fresh, s.TrainSize})
	t.Test = set(draws{t, env.Seed, test, false, s.TestSize})
	if n := heldOut(s.TrainSize, env.Validation); n > 0 {
		t.Validation = set(draws{t, env.Seed, validation, false, n})
	}
}

// Len implements Set.
func (d *draws) Len() int { return d.size }

// stream returns the random numbers of a sample.
func (d *draws) stream(epoch, index int) stream {
	if !d.fresh {
		epoch = 0
	}
	return newStream(d.seed, d.split, epoch, index)
}
