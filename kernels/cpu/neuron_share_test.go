//go:build cgo

package cpu

import (
	"fmt"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
)

// TestNeuronPieces: pieces take each sequence through each step once and in order, forward and back, and no block is larger
// than shareNeuron says. Where a vector more than others is shared, the longest worker has half of it.
func TestNeuronPieces(t *testing.T) {
	const lanes = 8
	shared := 0
	for sequences := 1; sequences < 200; sequences += 3 {
		for workers := 1; workers <= 6; workers++ {
			for _, steps := range [][2]int{{1, 1}, {60, 2}, {400, 20}, {4000, 64}} {
				vectors := (sequences + lanes - 1) / lanes
				blocks, most := shareNeuron(vectors, min(workers, vectors))
				of := pieces(blocks, sequences, lanes, steps[0], steps[1], 1)
				name := fmt.Sprintf("%d sequences, %d workers, %v steps", sequences, workers, steps)
				walk(t, name, of, sequences, steps[0], false)
				walk(t, name, of, sequences, steps[0], true)
				for _, p := range slices.Concat(of...) {
					if p.vectors > most || p.vectors < 1 || (p.live+lanes-1)/lanes != p.vectors {
						t.Fatalf("%s: a block of %d vectors and %d sequences, the largest has %d", name, p.vectors, p.live, most)
					}
					if p.end < steps[0] && p.end%steps[1] != 0 {
						t.Fatalf("%s: a piece ends at step %d, want a whole number of %d", name, p.end, steps[1])
					}
					if p.give != nil {
						shared++
					}
				}
			}
		}
	}
	if shared < 100 {
		t.Errorf("%d vectors are shared, want many", shared)
	}

	blocks, _ := shareNeuron(13, 2)
	var longest float64
	for _, own := range pieces(blocks, 100, lanes, 4000, 64, 1) {
		all := 0.0
		for _, p := range own {
			all += float64((p.vectors + waitCost) * (p.end - p.first))
		}
		longest = max(longest, all/4000)
	}
	if longest > 7.7 {
		t.Errorf("13 vectors take two workers %.2f times a vector, want 7.7, where one with 7 of them takes 8", longest)
	}
}

// walk goes through pieces as workers do, each as far as what it waits for is there.
func walk(t *testing.T, name string, of [][]neuronPiece, sequences, steps int, back bool) {
	t.Helper()
	done, at := make([]int, sequences), make([]int, len(of))
	ready := map[chan struct{}]bool{}
	for moved := true; moved; {
		moved = false
		for i, own := range of {
			if at[i] == len(own) {
				continue
			}
			k := at[i]
			if back {
				k = len(own) - 1 - k
			}
			p := own[k]
			wait, tell, from, to := p.take, p.give, p.first, p.end
			if back {
				wait, tell, from, to = p.give, p.take, steps-p.end, steps-p.first
			}
			if wait != nil && !ready[wait] {
				continue
			}
			for b := p.b0; b < p.b0+p.live; b++ {
				if done[b] != from {
					t.Fatalf("%s, back %v: sequence %d is at step %d, and a piece begins at %d", name, back, b, done[b], from)
				}
				done[b] = to
			}
			ready[tell], moved = true, true
			at[i]++
		}
	}
	for b, d := range done {
		if d != steps {
			t.Fatalf("%s, back %v: sequence %d ends at step %d of %d", name, back, b, d, steps)
		}
	}
}

// TestNeuronHandedOver: with a vector that is handed over, with and without learning, numbers of their own, a mask and a limit
// of memory, all is the same bits as on one thread.
func TestNeuronHandedOver(t *testing.T) {
	for i, c := range []conform.NeuronCase{
		{T: 300, B: 35, Substeps: 2},
		{T: 300, B: 35, Substeps: 2, Each: true, Record: []int32{5, 0}},
		{T: 200, B: 20, Substeps: 3, Delays: [3]int{6, 0, 1}},
	} {
		for _, memory := range []int64{0, 2 << 20} {
			p := conform.NewNeuronProblem(c, uint64(i))
			p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState, p.Cfg.Memory = true, true, i == 0, memory
			plan, _, err := prepareNeuron[float32](open(t, 1).isa, 2, p.Cfg)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(plan.workers[0].pieces); n < 2 {
				t.Fatalf("case %d: the first of two workers has %d pieces, want a vector that is handed over", i, n)
			}
			want := conform.Solve(t, open(t, 1), p)
			for _, threads := range []int{2, 3} {
				conform.Solve(t, open(t, threads), p).Same(t, "one thread", want)
			}
			p.Cfg.ForwardOnly = true
			plain := scanOf(t, open(t, 2), p)
			conform.SameBits(t, "h", conform.Data[float32](plain.H()), want.H)
			conform.SameBits(t, "final", conform.Data[float32](plain.Final()), want.Final)
		}
	}
}

// scanOf returns a scan that has gone forward.
func scanOf(t *testing.T, dev *Device, p *conform.Problem) kernels.ScanPlan {
	t.Helper()
	plan, err := dev.NewScan(p.Cfg)
	if err == nil {
		_, err = plan.Forward(p.Args)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
