package data

// draws is what all generated sets have in common: samples that are made when asked for, from
// the seed, the split, the epoch and the index.
type draws struct {
	task  *Task
	seed  uint64
	split split
	fresh bool // each epoch has samples of its own
	size  int
}

// newDraws returns the training and the test half of a generated task. Test samples are the
// same in every epoch.
func newDraws(t *Task, seed uint64, fresh bool, trainSize, testSize int) (draws, draws) {
	return draws{t, seed, train, fresh, trainSize}, draws{t, seed, test, false, testSize}
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
