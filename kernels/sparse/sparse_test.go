package sparse_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// dense returns a matrix as the number of its entries at each place.
func dense(m *sparse.Matrix) []int {
	d := make([]int, m.Rows*m.Cols)
	for i := range m.Rows {
		for _, j := range m.Row(i) {
			d[i*m.Cols+int(j)]++
		}
	}
	return d
}

func TestEntries(t *testing.T) {
	m, from, err := sparse.Entries(3, 4, []int32{2, 0, 2, 0}, []int32{3, 1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Start, []int32{0, 2, 2, 4}) || !slices.Equal(m.Col, []int32{1, 1, 3, 0}) || !slices.Equal(from, []int32{1, 3, 0, 2}) {
		t.Errorf("rows %v, columns %v, from %v", m.Start, m.Col, from)
	}
	if got := sparse.Take([]string{"a", "b", "c", "d"}, from); !slices.Equal(got, []string{"b", "d", "a", "c"}) {
		t.Errorf("values %v", got)
	}
	for _, bad := range [][2][]int32{{{3}, {0}}, {{0}, {4}}, {{-1}, {0}}, {{0}, {-1}}, {{0, 1}, {0}}} {
		if _, _, err := sparse.Entries(3, 4, bad[0], bad[1]); !errors.Is(err, sparse.ErrShape) {
			t.Errorf("%v: error is %v", bad, err)
		}
	}
}

// TestTranspose: twice it gives the matrix again, once what the dense matrix gives.
func TestTranspose(t *testing.T) {
	values := make([]float64, 7*5)
	for i := range values {
		if s := random.New(1); s.Uniform(uint64(i)) < 0.4 {
			values[i] = s.Normal(uint64(i))
		}
	}
	m, v := sparse.Dense(values, 7, 5)
	tr, from := m.Transpose()
	w := sparse.Take(v, from)
	for j := range 5 {
		for k := tr.Start[j]; k < tr.Start[j+1]; k++ {
			if i := int(tr.Col[k]); w[k] != values[i*5+j] || k > tr.Start[j] && tr.Col[k] <= tr.Col[k-1] {
				t.Errorf("column %d has %v in row %d, want %v", j, w[k], i, values[i*5+j])
			}
		}
	}
	back, again := tr.Transpose()
	if !slices.Equal(back.Start, m.Start) || !slices.Equal(back.Col, m.Col) || !slices.Equal(sparse.Take(w, again), v) {
		t.Error("transposed twice it is another matrix")
	}
}

// ring returns the edges of a ring and some others, one of them twice.
func ring(n int) (i, j []int32) {
	for k := range n {
		i, j = append(i, int32(k)), append(j, int32((k+1)%n))
	}
	return append(i, 3, 3), append(j, 9, 4)
}

// TestBands: bands and loose entries together are the neighbours.
func TestBands(t *testing.T) {
	const n = 24
	i, j := ring(n)
	m, edge, err := sparse.Neighbours(n, i, j)
	if err != nil {
		t.Fatal(err)
	}
	want := map[[3]int32]int{}
	for u := range int32(n) {
		for k := m.Start[u]; k < m.Start[u+1]; k++ {
			want[[3]int32{u, m.Col[k], edge[k]}]++
			if e := edge[k]; !(i[e] == u && j[e] == m.Col[k] || j[e] == u && i[e] == m.Col[k]) {
				t.Fatalf("entry (%d,%d) is of edge %d", u, m.Col[k], e)
			}
		}
	}
	if m.Len() != 2*len(i) {
		t.Errorf("%d entries of %d edges", m.Len(), len(i))
	}
	b := sparse.NewBands(n, i, j)
	if !slices.Equal(b.Offset, []int32{1, -1}) {
		t.Errorf("bands at %v", b.Offset)
	}
	got := map[[3]int32]int{}
	for k, e := range b.Edge {
		if u := int32(k % n); e >= 0 {
			got[[3]int32{u, u + b.Offset[k/n], e}]++
		}
	}
	for k, e := range b.Loose {
		got[[3]int32{b.Post[k], b.Pre[k], e}]++
	}
	for entry, n := range want {
		if got[entry] != n {
			t.Errorf("entry %v is there %d times, want %d", entry, got[entry], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
}

// TestTreeWeakLeak: a chain whose ends alone leak, by 1e-20 of what joins its units, is even.
func TestTreeWeakLeak(t *testing.T) {
	const n = 1000
	i, j := make([]int32, n-1), make([]int32, n-1)
	for k := range n - 1 {
		i[k], j[k] = int32(k), int32(k+1)
	}
	tree, err := sparse.NewTree(n, i, j)
	if err != nil {
		t.Fatal(err)
	}
	leak, g, x := make([]float64, n), make([]float64, n), make([]float64, n)
	for k := range g {
		g[k] = 1e10
	}
	leak[0], leak[n-1], x[n/2] = 1e-10, 3e-10, 4e-10
	tree.Solve(leak, g, x)
	for k, v := range x {
		if math.Abs(v-1) > 1e-12 {
			t.Fatalf("place %d is %v, want 1", k, v)
		}
	}
}

// TestTree solves a system over a random forest and multiplies the solution back.
func TestTree(t *testing.T) {
	const n = 60
	s := random.New(2)
	var i, j []int32
	name := make([]int, n) // so that parents are not always the smaller units
	s.Permute(name)
	for k := 1; k < n; k++ {
		if k == n/2 { // a second tree
			continue
		}
		from := int(s.Below(uint64(100+k), uint32(k)))
		if k > n/2 {
			from = n/2 + int(s.Below(uint64(100+k), uint32(k-n/2)))
		}
		a, b := int32(name[k]), int32(name[from])
		if k%2 == 0 {
			a, b = b, a
		}
		i, j = append(i, a), append(j, b)
	}
	tree, err := sparse.NewTree(n, i, j)
	if err != nil {
		t.Fatal(err)
	}
	roots := 0
	seen := make([]bool, n)
	for k, p := range tree.Parent {
		seen[tree.Unit[k]] = true
		if p < 0 {
			roots++
			continue
		}
		e := tree.Edge[k]
		if a, b := tree.Unit[k], tree.Unit[p]; int(p) >= k || !(i[e] == a && j[e] == b || i[e] == b && j[e] == a) {
			t.Errorf("place %d has the parent %d over edge %d", k, p, e)
		}
	}
	if roots != 2 || slices.Contains(seen, false) {
		t.Errorf("%d roots, units seen %v", roots, seen)
	}
	leak, d, g, b := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for k := range n {
		leak[k], b[k] = 1+s.Uniform(uint64(k)), s.Normal(uint64(k))
		d[k] += leak[k]
		if p := tree.Parent[k]; p >= 0 {
			g[k] = 5 * s.Uniform(uint64(1000+k))
			d[k] += g[k]
			d[p] += g[k]
		}
	}
	x := slices.Clone(b)
	tree.Solve(leak, g, x)
	product := make([]float64, n)
	for k, p := range tree.Parent {
		product[k] += d[k] * x[k]
		if p >= 0 {
			product[k] -= g[k] * x[p]
			product[p] -= g[k] * x[k]
		}
	}
	for k := range b {
		if math.Abs(product[k]-b[k]) > 1e-13 { // diagonally dominant: some units in the last place of numbers below 20
			t.Errorf("row %d gives %v, want %v", k, product[k], b[k])
		}
	}
	for _, loop := range [][2][]int32{{{0, 1, 2}, {1, 2, 0}}, {{0}, {0}}, {{0, 1}, {1, 0}}, {{0}, {3}}} {
		if _, err := sparse.NewTree(3, loop[0], loop[1]); !errors.Is(err, sparse.ErrShape) {
			t.Errorf("%v: error is %v", loop, err)
		}
	}
}

// uneven returns chi square of the entries of the columns against equal chances of all; its mean is the number of
// columns, its variance twice that at most.
func uneven(m *sparse.Matrix) (chi float64) {
	counts := make([]float64, m.Cols)
	for _, j := range m.Col {
		counts[j]++
	}
	want := float64(m.Len()) / float64(m.Cols)
	for _, c := range counts {
		chi += (c - want) * (c - want) / want
	}
	return chi
}

// TestTotal: as many entries as are asked for, in equal chances of all rows and columns, several between the same two.
func TestTotal(t *testing.T) {
	const rows, cols, k = 300, 200, 90000
	for _, autapses := range []bool{true, false} {
		m, err := sparse.Whole(rows).Total(cols, k, autapses, random.New(3))
		if err != nil || m.Len() != k {
			t.Fatalf("%d entries, error %v", m.Len(), err)
		}
		by, _ := m.Transpose()
		if a, b := uneven(m), uneven(by); math.Abs(a-cols) > 6*math.Sqrt(2*cols) || math.Abs(b-rows) > 6*math.Sqrt(2*rows) {
			t.Errorf("chi square is %v of %d columns and %v of %d rows", a, cols, b, rows)
		}
		twice, own := 0, 0
		for i := range rows {
			row := m.Row(i)
			if !slices.IsSorted(row) {
				t.Fatalf("row %d is %v", i, row)
			}
			twice += len(row) - len(slices.Compact(slices.Clone(row)))
			if _, found := slices.BinarySearch(row, int32(i)); found {
				own++
			}
		}
		if twice < k/10 || (own > 0) != autapses {
			t.Errorf("%d entries repeat another, %d units reach themselves", twice, own)
		}
	}
}

func TestConnectors(t *testing.T) {
	all := func(m *sparse.Matrix, err error) *sparse.Matrix {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Rows {
			if row := m.Row(i); !slices.IsSorted(row) || len(slices.Compact(slices.Clone(row))) != len(row) {
				t.Errorf("row %d is %v", i, row)
			}
		}
		return m
	}
	if got := dense(all(sparse.Whole(2).AllToAll(3, true))); !slices.Equal(got, []int{1, 1, 1, 1, 1, 1}) {
		t.Errorf("all to all: %v", got)
	}
	if got := dense(all(sparse.Whole(2).AllToAll(3, false))); !slices.Equal(got, []int{0, 1, 1, 1, 0, 1}) {
		t.Errorf("all to all others: %v", got)
	}
	if got := dense(sparse.OneToOne(2)); !slices.Equal(got, []int{1, 0, 0, 1}) {
		t.Errorf("one to one: %v", got)
	}
	if m := all(sparse.Whole(5).Probability(5, 0, true, 1)); m.Len() != 0 {
		t.Errorf("probability 0: %d entries", m.Len())
	}
	for what, err := range map[string]error{
		"probability": second(sparse.Whole(3).Probability(5, math.NaN(), true, 1)),
		"in-degree":   second(sparse.Whole(3).FixedIn(3, 3, false, 1)),
		"no pair":     second(sparse.Whole(3).Total(1, 1, false, 1)),
		"below none":  second(sparse.Whole(3).Total(1, -1, true, 1)),
		"below 0":     second(sparse.Whole(3).FixedIn(3, -1, true, 1)),
		"size":        second(sparse.Whole(-1).Probability(3, 1, true, 1)),
	} {
		if !errors.Is(err, sparse.ErrShape) {
			t.Errorf("%s: error is %v", what, err)
		}
	}

	// Six standard errors of a binomial number.
	const rows, cols, p = 300, 400, 0.1
	m := all(sparse.Whole(rows).Probability(cols, p, false, random.New(3)))
	if n := float64(m.Len()); math.Abs(n-p*(rows*cols-rows)) > 6*math.Sqrt(p*rows*cols) {
		t.Errorf("%v entries, want about %v", n, p*(rows*cols-rows))
	}
	again := all(sparse.Whole(rows/2).Probability(cols, p, false, random.New(3)))
	if !slices.Equal(again.Col, m.Col[:again.Len()]) {
		t.Error("a row depends on how many there are")
	}
	fixed := all(sparse.Whole(rows).FixedIn(cols, 40, false, random.New(3)))
	for i := range rows {
		if row := fixed.Row(i); len(row) != 40 || slices.Contains(row, int32(i)) {
			t.Errorf("row %d is %v", i, row)
		}
	}
	if chi := uneven(fixed); math.Abs(chi-cols) > 6*math.Sqrt(2*cols) {
		t.Errorf("columns are chosen unevenly: chi square is %v of %d", chi, cols)
	}
	if m := all(sparse.Whole(4).FixedIn(3, 3, true, random.New(1))); m.Len() != 12 {
		t.Errorf("%d entries, want all 12", m.Len())
	}
	if m := all(sparse.Whole(3).FixedIn(3, 2, false, random.New(1))); !slices.Equal(m.Col, []int32{1, 2, 0, 2, 0, 1}) {
		t.Errorf("all others: %v", m.Col)
	}
}

func second[T any](_ T, err error) error { return err }

// TestTooManyEntries wants a matrix of too many entries to be refused before it is made, and one that is made to
// take no more memory than its entries and their spread.
func TestTooManyEntries(t *testing.T) {
	if _, err := sparse.Whole(1<<20).Probability(1<<20, 0.5, true, 1); !errors.Is(err, sparse.ErrShape) || !strings.Contains(err.Error(), "about 5.5e+11 entries") {
		t.Errorf("2^39 entries: %v", err)
	}
	m, err := sparse.Whole(500).Probability(400, 0.3, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	if most := m.Len() + 2000; cap(m.Col) > most {
		t.Errorf("%d entries take room for %d", m.Len(), cap(m.Col))
	}
}
