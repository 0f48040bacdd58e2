package sparse

import "fmt"

// Tree is an order of units in which each comes behind its parent, so that a system over the edges of
// the tree is solved in one sweep towards the root and one back.
//
// Source: Hines (1984), doi:10.1016/0020-7101(84)90008-4.
type Tree struct {
	Unit   []int32 // [units], the unit at each place, roots first of their trees
	Parent []int32 // [units], place of the parent of the unit at each place, -1 for a root
	Edge   []int32 // [units], edge to the parent, -1 for a root
}

// NewTree orders units that the edges i[e]–j[e] join. Edges may come in any order and direction; units
// that they do not join are trees of their own. The root of a tree is its first unit.
//
// Errors: ErrShape for an edge that closes a loop, or one outside the units.
func NewTree(units int, i, j []int32) (Tree, error) {
	m, edge, err := Neighbours(units, i, j)
	if err != nil {
		return Tree{}, err
	}
	t := Tree{Unit: make([]int32, 0, units), Parent: make([]int32, 0, units), Edge: make([]int32, 0, units)}
	place := make([]int32, units) // from 1, 0 for none yet
	add := func(unit, parent, e int32) {
		t.Unit, t.Parent, t.Edge = append(t.Unit, unit), append(t.Parent, parent), append(t.Edge, e)
		place[unit] = int32(len(t.Unit))
	}
	for root := range int32(units) {
		if place[root] > 0 {
			continue
		}
		add(root, -1, -1)
		for at := place[root] - 1; int(at) < len(t.Unit); at++ {
			u := t.Unit[at]
			for k := m.Start[u]; k < m.Start[u+1]; k++ {
				switch v := m.Col[k]; {
				case edge[k] == t.Edge[at]: // where u was reached from
				case place[v] > 0:
					return Tree{}, fmt.Errorf("sparse: edge %d between units %d and %d closes a loop, want a tree: %w", edge[k], u, v, ErrShape)
				default:
					add(v, at, edge[k])
				}
			}
		}
	}
	return t, nil
}

// Solve solves A x = b for the matrix of a network of conductances on the tree: off-diagonal entries −g
// to and from the parent of each unit but roots, and on the diagonal what the row's couplings sum up to
// and a leak besides. Leaks, g, b and x are in the order of the tree. It writes x to b and what is left
// of the elimination to the leaks.
//
// Accuracy: with leaks and g that are not negative nothing is subtracted, so the solution has small
// errors however weak the leaks are beside the couplings. A unit needs a leak of its own or one behind
// it on the tree; a root without either has no solution.
func (t Tree) Solve(leak, g, b []float64) {
	for k := len(b) - 1; k >= 0; k-- {
		if p := t.Parent[k]; p >= 0 {
			share := g[k] / (g[k] + leak[k])
			leak[p] += share * leak[k]
			b[p] += share * b[k]
		}
	}
	for k := range b {
		if p := t.Parent[k]; p >= 0 {
			b[k] = (b[k] + g[k]*b[p]) / (leak[k] + g[k])
		} else {
			b[k] /= leak[k]
		}
	}
}
