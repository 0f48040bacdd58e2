package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"galvani/engine/group"
	"galvani/engine/hostmem"
	"galvani/kernels"
)

// Planned is a Network that says what Build will ask of a device, so that the memory of a run is
// known before it is taken.
type Planned interface {
	Network
	// Plan returns the scans of the layers, and the weights that are made of stored ones.
	Plan(in kernels.Sequence) ([]kernels.ScanConfig, []kernels.WeightsConfig)
}

// need is an amount of memory and what it is for.
type need struct {
	what  string
	bytes int64
}

// elementBytes is the size of a number of a tensor, doubleBytes of one of a constant or a draw.
const elementBytes, doubleBytes = 4, 8

// unrolledArrays is how many arrays [B,H] the unrolled graph keeps of each step, at the least: rnn
// takes 40, crnn 230. It is there to refuse what cannot fit by far; what little memory it leaves
// unseen is not worth a count of all nodes.
const unrolledArrays = 40

// slotCount returns the number of state vectors of the optimiser, 0 for an unknown one.
func slotCount(o Options) int {
	rule, _ := ruleOf(o)
	return len(rule.Slots)
}

// footprint lists the memory of the process that a session takes: what lives as long as it, and
// the most that is taken for a moment. On a device with memory of its own the scan is not in it.
//
// Errors: those of kernels.Planner.
func (c Config) footprint() ([]need, error) {
	var all, learned, largest int
	for _, s := range c.Net.Specs() {
		n := s.Len()
		all, largest = all+n, max(largest, n)
		if s.Learned {
			learned += n
		}
	}
	slots := slotCount(c.Options)
	// Gradients: of two graphs, and packed and unpacked by their operations. Then one copy of the
	// parameters before an update.
	own := elementBytes * int64(all+learned*(slots+5))
	if n := c.Options.Shards; n > 1 {
		own += elementBytes * int64(learned*group.Levels(n)) // their sums
	}
	// Initial values are drawn in float64, orthogonal ones in two arrays; a checkpoint is a copy that
	// is read back.
	moment := max(2*doubleBytes*int64(largest), 2*elementBytes*int64(all+learned*slots))
	// The training graph takes a shard of a batch, the evaluation a whole one.
	t, b, train := c.Task, c.Options.Batch, c.Options.widest(c.Options.Batch)
	rows := func(b int) int64 {
		if t.Every {
			return int64(t.T) * int64(b)
		}
		return int64(b)
	}
	sample := func(b int) int64 { return elementBytes * (int64(t.T)*int64(b)*int64(t.I) + rows(b)*int64(2+t.O)) }
	sequences := 3*sample(b) + sample(train) + sample(b) // two batches that are filled, one of the evaluation; the inputs of two graphs
	if train < b {
		sequences += sample(train)
	}
	// The logits, their loss and gradient; the linear map has the gradient of its input besides.
	readout := elementBytes * (rows(train) + rows(b)) * (4*int64(t.O) + int64(c.Net.Hidden()))
	states, weights, err := c.scanBytes()
	if err != nil {
		return nil, err
	}
	return []need{{"parameters, gradients and optimiser", own}, {"initial values or checkpoints", moment}, {"batches", sequences},
		{"read-out", readout}, {"states", states}, {"weights under masks and signs", weights}}, nil
}

// scanBytes returns what the scans of training and of evaluation take, and the weights that they
// are given.
func (c Config) scanBytes() (states, weights int64, err error) {
	graph, ok := c.Net.(Network)
	if !ok {
		return 0, 0, nil
	}
	t, b, train := c.Task, c.Options.Batch, c.Options.widest(c.Options.Batch)
	for _, units := range PlaneUnits(graph) {
		states += elementBytes * int64(b+train) * int64(units)
	}
	net, ok := c.Net.(Planned)
	if c.Device == nil {
		units := graph.Hidden() // of all layers
		if ok {
			units = 0
			scans, _ := net.Plan(kernels.Sequence{T: t.T, B: train, I: t.I})
			for _, scan := range scans {
				units += scan.H
			}
		}
		return states + elementBytes*unrolledArrays*int64(train)*int64(t.T)*int64(units), 0, nil
	}
	if !ok {
		return states, 0, nil
	}
	dev, isPlanner := c.Device.(kernels.Planner)
	for _, forward := range []bool{false, true} {
		width := train
		if forward {
			width = b
		}
		in := kernels.Sequence{T: t.T, B: width, I: t.I, Every: t.Every, Memory: c.Memory, ForwardOnly: forward}
		scans, made := net.Plan(in)
		for _, w := range made {
			weights += int64(w.R) * int64(w.C) * int64((doubleBytes+3*elementBytes)*len(w.Readings)+elementBytes)
		}
		if !isPlanner {
			continue
		}
		for _, scan := range scans {
			bytes, err := dev.ScanBytes(scan)
			if err != nil {
				return 0, 0, err
			}
			if states += bytes; scan.GradX && !forward {
				states += elementBytes * int64(scan.T) * int64(scan.B) * int64(scan.I) // taken out of the packed gradient
			}
		}
	}
	return states, weights, nil
}

// HostBytes returns the memory of the process that a session takes.
//
// Errors: those of kernels.Planner.
func (c Config) HostBytes() (total int64, err error) {
	c.Options.Divide(c.group().Size() > 1)
	list, err := c.footprint()
	for _, n := range list {
		total += n.bytes
	}
	return total, err
}

// fits refuses a session that needs more memory than there is.
//
// Errors: kernels.ErrMemory, with the bytes wanted and there, and what takes the most.
func (c Config) fits(room hostmem.Room) error {
	list, err := c.footprint()
	if err != nil {
		if errors.Is(err, kernels.ErrMemory) {
			return err
		}
		return nil // what is wrong is said where it is built
	}
	total := int64(0)
	for _, n := range list {
		total += n.bytes
	}
	if total <= room.Usable() {
		return nil
	}
	slices.SortFunc(list, func(a, b need) int { return int(min(max(b.bytes-a.bytes, -1), 1)) })
	var parts []string
	for _, n := range list[:2] {
		parts = append(parts, fmt.Sprintf("%s %s", hostmem.Text(n.bytes), n.what))
	}
	return fmt.Errorf("engine: %w: the run needs %s (%d bytes; %s), and %s (%d bytes) of %s are there for it, by %s",
		kernels.ErrMemory, hostmem.Text(total), total, strings.Join(parts, ", "), hostmem.Text(room.Usable()), room.Usable(), hostmem.Text(room.Bytes), room.Limit)
}
