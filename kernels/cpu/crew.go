//go:build cgo

package cpu

/*
#include "src/scan.h"

static void add_floats(float *restrict to, const float *restrict from, long n)
{
	for (long i = 0; i < n; i++)
		to[i] += from[i];
}

static void add_doubles(double *restrict to, const double *restrict from, long n)
{
	for (long i = 0; i < n; i++)
		to[i] += from[i];
}
*/
import "C"

import (
	"galvani/kernels"
	"galvani/kernels/pages"
)

// crew is workers that do a run. The rows of a batch are divided into groups. The workers of a group are a team: they wait for
// each other, and read what the others of it wrote. What a group writes is read by no other until the gradients of all are added,
// so that groups on cores that share no cache do not wait for each other's memory.
type crew[F kernels.Float] struct {
	threads [][]worker[F]   // what each thread does, one after the other
	team    []C.struct_team // of each group: they lie where the scan does not move them
}

// worker has the batch rows b0 ≤ b < b1 of its group in the time loop.
type worker[F kernels.Float] struct {
	group, number, b0, b1 int
	work                  []F
}

// group is what the workers of a group write together.
type group[F kernels.Float] struct {
	shared      []F // scratch
	sum         grads[F]
	prep        []float64 // [PREP,H] gradients of prepared planes
	band, loose []float64 // gradients of the entries of the axial matrix
}

// grads are the gradients of a run. They do not depend on the number of threads.
type grads[F kernels.Float] struct {
	in, rec   []F
	vec, edge []float64
}

// leastRows is how many steps of rows a group has at least: a block of the products of weight gradients.
const leastRows = 256

// groupRows is how many rows of a batch a group has: the half of them, so that two threads have one each, where that is
// at least a full tile of products.
func groupRows(steps, rows int) int {
	if half := rows / 2; half%4 == 0 && rows%2 == 0 && half >= 8 && steps*half >= leastRows {
		return half
	}
	return rows
}

// newCrew divides groups among threads, and the rows of a group, in whole blocks, among the workers of its team. Where groups do
// not divide the threads, all threads are the team of one group after the other.
func newCrew[F kernels.Float](rows, group, block, threads int) *crew[F] {
	groups, blocks := rows/group, (group+block-1)/block
	per, beside := threads, threads%groups == 0
	if beside {
		per = threads / groups
	}
	per = max(1, min(per, blocks))
	c := &crew[F]{threads: make([][]worker[F], per)}
	if beside {
		c.threads = make([][]worker[F], per*groups)
	}
	for g := range groups {
		for i := range per {
			t := i
			if beside {
				t += g * per
			}
			c.threads[t] = append(c.threads[t], worker[F]{group: g, number: i, b0: g*group + blocks*i/per*block,
				b1: g*group + min(group, blocks*(i+1)/per*block)})
		}
		c.team = append(c.team, newTeam(per, len(c.threads)))
	}
	return c
}

// each calls f for every worker, on as many goroutines as there are threads.
func (c *crew[F]) each(f func(*worker[F])) {
	Each(c.threads, func(list *[]worker[F]) {
		for i := range *list {
			f(&(*list)[i])
		}
	})
}

// everybody returns the workers of the crews of a scan.
func (s *Scan[F]) everybody() (list []*worker[F]) {
	for _, c := range []*crew[F]{s.all, s.lone} {
		if c == nil {
			continue
		}
		for _, t := range c.threads {
			for i := range t {
				list = append(list, &t[i])
			}
		}
	}
	return list
}

// newGroup allocates what a group of so much scratch writes.
func (s *Scan[F]) newGroup(shared int) group[F] {
	c, planes := s.cfg, s.planes()
	return group[F]{shared: pages.Make[F](shared), prep: make([]float64, s.shape.Prep*c.H),
		band: make([]float64, len(s.axial.Edge)), loose: make([]float64, len(s.axial.Loose)),
		sum: grads[F]{in: make([]F, s.shape.In*c.H*c.I), rec: make([]F, s.shape.Rec*c.H*c.H),
			vec: make([]float64, max(1, planes*c.H)), edge: make([]float64, s.edges.Edges())}}
}

// groupLen returns how many numbers and how many float64 newGroup allocates beside the scratch.
func (s *Scan[F]) groupLen() (numbers, doubles int) {
	c := s.cfg
	return (s.shape.In*c.I + s.shape.Rec*c.H) * c.H,
		(s.planes()+s.shape.Prep)*c.H + len(s.axial.Edge) + len(s.axial.Loose) + s.edges.Edges()
}

// total adds the gradients of all groups to those of the first, which it returns.
func (s *Scan[F]) total() *group[F] {
	to := &s.groups[0]
	for i := range s.groups[1:] {
		g := &s.groups[1+i]
		add(to.sum.in, g.sum.in)
		add(to.sum.rec, g.sum.rec)
		add(to.prep, g.prep)
		add(to.band, g.band)
		add(to.loose, g.loose)
	}
	return to
}

// add adds from to to, of the same length.
func add[F kernels.Float](to, from []F) {
	switch t := any(to).(type) {
	case []float32:
		C.add_floats((*C.float)(ptr(t)), (*C.float)(ptr(from)), C.long(len(to)))
	case []float64:
		C.add_doubles(doubles(t), (*C.double)(ptr(from)), C.long(len(to)))
	}
}
