// Package segments divides a sequence so that what a scan keeps of it fits a limit of memory.
// The devices share it.
//
// Source: Chen, Xu, Zhang and Guestrin (2016), Training Deep Nets with Sublinear Memory Cost,
// arXiv:1604.06174, whose √T segments are the least that a limit may ask for.
//
// It imports nothing of the project; kernels and the devices may import it.
package segments

import "fmt"

// Plan is a limit and what it is held against.
type Plan struct {
	Steps, Chunk int   // of the sequence, of a chunk; segments are whole chunks
	Memory       int64 // bytes, 0 for no limit
	ForwardOnly  bool  // nothing is kept for a way back: as little as can be
	// Bytes returns what is kept with n chunks per segment.
	Bytes func(n int) int64
}

// Segment is the steps Lo ≤ t < Hi.
type Segment struct{ Lo, Hi int }

// MemoryError says that Plan.Memory cannot hold what is kept.
type MemoryError struct {
	Memory int64 // given
	Least  int64 // with the best division
	All    int64 // without one
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("backward needs at least %d bytes (%d without recomputation), memory is %d", e.Least, e.All, e.Memory)
}

// Divide returns as few segments as fit the memory, and their chunks. Only the first may be
// shorter: the way back finds the last one as the way forward left it.
//
// Errors: *MemoryError.
func Divide(p Plan) (chunks int, list []Segment, err error) {
	all := (p.Steps + p.Chunk - 1) / p.Chunk
	n, least := all, p.Bytes(all)
	for k := all - 1; k > 0 && p.ForwardOnly; k-- {
		if p.Bytes(k) < p.Bytes(n) {
			n = k
		}
	}
	for p.Memory > 0 && p.Bytes(n) > p.Memory {
		if n--; n == 0 {
			return 0, nil, &MemoryError{Memory: p.Memory, Least: least, All: p.Bytes(all)}
		}
		least = min(least, p.Bytes(n))
	}
	for end := all; end > 0; end -= n {
		list = append([]Segment{{max(0, end-n) * p.Chunk, min(p.Steps, end*p.Chunk)}}, list...)
	}
	return n, list, nil
}
