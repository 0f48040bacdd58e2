package circuits

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/sparse"
	"galvani/models/description"
)

// mostFile is the most bytes of arrays that are read from a file.
const mostFile = 1 << 33

// columns of a file of edges; those of weights and delays may be missing.
var edgeColumns = []string{"source", "target", "weight", "delay_ms"}

// edges reads which units a connection joins from a file: a table, or arrays of NumPy, with source and
// target, and also with weight, in the unit of the weights of the projection, and delay_ms. of names the arrays of an NPZ
// file that begin with it and a dot, as those that simulate --out writes do.
func (r *reader) edges(t *description.Table, q *Connection) {
	in, key, of := t, "edges", ""
	if _, is := t.Value(key).(map[string]any); is {
		in, key = t.Sub(key), "file"
		if in.Need("file", `"edges.csv"`) && in.Has("of") {
			of = in.Words("of", "") + "."
		}
		in.Spend("of")
	}
	q.file = in.Words(key, "")
	if in != t {
		in.Done()
	}
	if t.Err() != nil {
		return
	}
	all, err := readColumns(r.beside(q.file), of, edgeColumns)
	if err != nil {
		in.Fail(key, "is %s, which cannot be read: %v", q.file, err)
		return
	}
	from, to := r.b.Populations[q.From], r.b.Populations[q.To]
	for i, name := range edgeColumns[:2] {
		if all[i] == nil {
			in.Fail(key, "is %s, which has no %s; want source and target of each edge, and weight and delay_ms where they differ", q.file, of+name)
			return
		}
		most := []int{from.N, to.N}[i]
		for e, x := range all[i] {
			if !(x >= 0 && x < float64(most)) || x != math.Trunc(x) {
				in.Fail(key, "is %s, where the %s of edge %d is %g, want a unit of 0 to %d of population %s", q.file, name, e, x, most-1, []Population{from, to}[i].Name)
				return
			}
		}
	}
	order := make([]int32, len(all[0]))
	for e := range order {
		order[e] = int32(e)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		if all[1][a] != all[1][b] {
			return int(all[1][a] - all[1][b])
		}
		return int(all[0][a] - all[0][b])
	})
	var ends [2][]int32
	for i := range ends {
		for _, e := range order {
			ends[i] = append(ends[i], int32(all[i][e]))
		}
	}
	if q.Edges, _, err = sparse.Entries(to.N, from.N, ends[1], ends[0]); err != nil {
		in.Fail(key, "is %s: %v", q.file, err)
		return
	}
	if all[2] != nil {
		q.Weight = given(sparse.Take(all[2], order))
		_, conductance := to.Reversal(q.Synapse)
		if lo, hi := q.Weight.ends(); !(math.Abs(lo) <= 1e30 && math.Abs(hi) <= 1e30) || conductance && lo < 0 {
			in.Fail(key, "is %s, with weights of %g to %g, want finite ones, of a conductance 0 or more", q.file, lo, hi)
		}
	}
	if all[3] != nil {
		q.Delay = given(sparse.Take(all[3], order))
		lo, hi := q.Delay.ends()
		switch {
		case len(order) == 0:
		case !(lo >= r.b.Step*(1-1e-9)):
			in.Fail(key, "is %s, with a delay of %g ms, shorter than the step, %g ms; give longer delays or a shorter step", q.file, lo, r.b.Step)
		case math.Round(hi/r.b.Step) > kernels.MaxDelay:
			in.Fail(key, "is %s, with a delay of %g ms, which is more than %d steps; give shorter delays or a longer step", q.file, hi, kernels.MaxDelay)
		}
	}
}

// beside returns a path that begins in the folder of the file of the network, and keeps it as one that is read.
func (r *reader) beside(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.file), path)
	}
	r.b.files = append(r.b.files, path)
	return path
}

// readColumns reads columns of numbers of one length and of no other names, nil for one that is not there: of a table, whose first
// row names them, or in a file that ends in .npz the arrays whose names begin with prefix.
func readColumns(path, prefix string, names []string) ([][]float64, error) {
	all := make([][]float64, len(names))
	if !strings.HasSuffix(path, ".npz") {
		table, at, err := readTable(path, names...)
		if err != nil {
			return nil, err
		}
		for _, name := range table.Rows[0] {
			if !slices.Contains(names, name) {
				return nil, fmt.Errorf("its first row has the column %q, which is none of %s", name, strings.Join(names, ", "))
			}
		}
		for i, name := range names {
			if at[i] < 0 {
				continue
			}
			all[i] = []float64{}
			for n, row := range table.Rows[1:] {
				x, err := strconv.ParseFloat(row[at[i]], 64)
				if err != nil || x-x != 0 {
					return nil, fmt.Errorf("line %d has the %s %q, want a finite number", table.Line(n+1), name, row[at[i]])
				}
				all[i] = append(all[i], x)
			}
		}
		return all, nil
	}
	f, err := infile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	other := ""
	arrays, err := npz.Select(f, size, mostFile, func(name string) bool {
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && !slices.Contains(names, rest) {
			other, ok = name, false
		}
		return ok
	})
	if err != nil {
		return nil, err
	}
	if other != "" && slices.ContainsFunc(arrays, func(t safetensors.Tensor) bool { return t.Name == prefix+names[0] }) {
		return nil, fmt.Errorf("it has the array %q, which is none of %s", other, prefix+strings.Join(names, ", "+prefix))
	}
	length := -1
	for _, a := range arrays {
		x := a.Numbers()
		if length >= 0 && len(x) != length {
			return nil, fmt.Errorf("its array %s has %d numbers, and another %d; want as many", a.Name, len(x), length)
		}
		length = len(x)
		if slices.ContainsFunc(x, func(v float64) bool { return v-v != 0 }) {
			return nil, fmt.Errorf("its array %s has numbers that are not finite", a.Name)
		}
		all[slices.Index(names, strings.TrimPrefix(a.Name, prefix))] = x
	}
	return all, nil
}

// readTable reads the table of a file, whose columns all have one of some names, and where they are.
func readTable(path string, names ...string) (*infile.Table, []int, error) {
	text, err := infile.Read(path)
	if err != nil {
		return nil, nil, err
	}
	t, err := infile.ParseTable(text)
	if err != nil {
		return nil, nil, err
	}
	at, err := t.Columns(names...)
	return t, at, err
}
