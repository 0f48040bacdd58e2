package bench

import (
	"cmp"
	"slices"
)

// Crossover says from which batch, or which number of hidden units, the GPU is faster than the
// CPU: there and at everything larger that was measured.
type Crossover struct {
	Model string `json:"model"`
	What  string `json:"what"`
	T     int    `json:"T"`
	// Axis is what grows, B or H; the other of them is Fixed.
	Axis  string `json:"axis"`
	Fixed int    `json:"fixed"`
	// At is the smallest value from which the GPU wins; 0 if it loses at the largest.
	At                int `json:"at"`
	Smallest, Largest int `json:"-"` // that were measured
}

// Wins reports whether the subject is faster than the reference beyond doubt: the whole interval
// of the speed-up lies above 1.
func (r Row) Wins() bool { return r.Ratio != nil && r.Ratio.Kind == SpeedUp && r.Ratio.Interval[0] > 1 }

// Crossovers finds where the GPU starts to win, along B wherever several batches were measured,
// and along H for what then is left.
func Crossovers(rows []Row) []Crossover {
	var all []Crossover
	done := map[int]bool{} // rows
	for _, axis := range []string{"B", "H"} {
		lines, order := map[Crossover][]int{}, []Crossover(nil)
		for i, r := range rows {
			if r.Case != caseMatrix || r.Ratio == nil || done[i] {
				continue
			}
			k := Crossover{Model: r.Model, What: r.What, T: r.Shape.T, Axis: axis, Fixed: r.Shape.H}
			if axis == "H" {
				k.Fixed = r.Shape.B
			}
			if lines[k] == nil {
				order = append(order, k)
			}
			lines[k] = append(lines[k], i)
		}
		for _, k := range order {
			if len(lines[k]) < 2 {
				continue
			}
			points := make([]Row, len(lines[k]))
			for j, i := range lines[k] {
				points[j], done[i] = rows[i], true
			}
			all = append(all, k.find(points))
		}
	}
	return all
}

// on returns the value of a row on the axis.
func (c Crossover) on(r Row) int {
	if c.Axis == "H" {
		return r.Shape.H
	}
	return r.Shape.B
}

// find fills in the numbers.
func (c Crossover) find(points []Row) Crossover {
	slices.SortFunc(points, func(a, b Row) int { return cmp.Compare(c.on(a), c.on(b)) })
	c.Smallest, c.Largest = c.on(points[0]), c.on(points[len(points)-1])
	for _, p := range slices.Backward(points) {
		if !p.Wins() {
			break
		}
		c.At = c.on(p)
	}
	return c
}
