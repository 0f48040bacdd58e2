package data

import "fmt"

// Fit returns a task in the shape of another form of it, so that one network and batches of one shape do for both: an
// easier form with shorter trials, for example. Behind the end of a shorter sequence inputs, weights and mask are 0.
//
// Errors: ErrConfig for other inputs, outputs or kinds of targets, another number of training samples, longer
// sequences, and shorter ones of a task with one target that has no mask.
func Fit(t, of *Task) (*Task, error) {
	for _, p := range []struct {
		what      string
		got, want any
	}{
		{"inputs", t.I, of.I}, {"outputs", t.O, of.O}, {"goal", t.Goal, of.Goal}, {"targets at every step", t.Every, of.Every},
		{"trials", t.Trials, of.Trials}, {"steps of different lengths", t.Irregular, of.Irregular},
		{"training samples", t.Train.Len(), of.Train.Len()},
	} {
		if p.got != p.want {
			return nil, fmt.Errorf("data: %s: %s: %v, want %v as without these settings: %w", t.Name, p.what, p.got, p.want, ErrConfig)
		}
	}
	switch {
	case t.T > of.T:
		return nil, fmt.Errorf("data: %s: %d steps, want at most the %d of the task itself: %w", t.Name, t.T, of.T, ErrConfig)
	case t.T == of.T && t.Masked == of.Masked:
		return t, nil
	case !of.Masked && !of.Every:
		return nil, fmt.Errorf("data: %s: %d steps, want the %d of the task itself, which has its target at the last one and no mask: %w", t.Name, t.T, of.T, ErrConfig)
	}
	f := *t
	f.T, f.Masked = of.T, of.Masked
	for _, set := range []*Set{&f.Train, &f.Validation, &f.Test} {
		if *set != nil {
			*set = &fitted{*set, NewBatch(t, 1)}
		}
	}
	return &f, nil
}

// fitted is a set in batches of more steps than its samples have.
type fitted struct {
	Set
	one *Batch // a sample
}

// Fill implements Set.
func (f *fitted) Fill(b *Batch, col, epoch, index int) error {
	if err := f.Set.Fill(f.one, 0, epoch, index); err != nil {
		return err
	}
	put(b.X, f.one.X, b.I, b.B, col)
	put(b.Label, f.one.Label, 1, b.B, col)
	put(b.Value, f.one.Value, b.O, b.B, col)
	put(b.Weight, f.one.Weight, 1, b.B, col)
	for t := range len(b.Mask) / b.B {
		switch {
		case t >= f.one.T:
			b.Mask[t*b.B+col] = 0
		case f.one.Mask != nil:
			b.Mask[t*b.B+col] = f.one.Mask[t]
		default:
			b.Mask[t*b.B+col] = 1
		}
	}
	copy(b.Decisions[min(col, len(b.Decisions)):], f.one.Decisions)
	return nil
}

// put writes rows of n numbers to column col of b, and zeros to the rows behind them.
func put(to, from []float32, n, b, col int) {
	for row := range len(to) / (b * n) {
		dst := to[(row*b+col)*n:][:n]
		clear(dst)
		if row < len(from)/n {
			copy(dst, from[row*n:])
		}
	}
}
