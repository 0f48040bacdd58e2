package data

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/engine/safetensors"
	"galvani/engine/setting"
)

// sequences is one half of the data, training or test.
type sequences struct {
	task     *Task
	path     string
	tail     string // of the names of its arrays
	from     int    // the first sequence of the file that belongs to it
	size     int    // number of sequences
	t, i, o  int    // steps, inputs, values of y
	every    bool
	time     bool // steps come first in the file
	lengths  []int
	starts   []int // of sequences that stand behind each other, in rows
	rows     int   // of those
	x, y     *field
	label    *field
	weight   *field
	mask     *field
	most     float32 // largest label
	decision []Decision
	others   []string // arrays of the file that are not read
}

var _ Fixed = (*sequences)(nil)

// ignored is the label that asks for nothing, as in PyTorch.
const ignored = -100

// readSequences reads the arrays of a file with names that end in tail and holds their shapes and values to
// each other.
//
// Errors: ErrMissing for an array, ErrCorrupt for shapes and values, with file and array; what the file system says.
func readSequences(path, tail string, about *About) (*sequences, error) {
	arrays, others, err := readArrays(path, tail)
	if err != nil {
		return nil, err
	}
	s := &sequences{path: path, tail: tail, time: about.Layout == "time", others: others}
	if err := s.misspelt(arrays); err != nil {
		return nil, err
	}
	for _, part := range []func(map[string]safetensors.Tensor) error{s.complete, s.readLengths, s.readInput, s.readTarget, s.readWeight, s.readMask} {
		if err := part(arrays); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// wrong is the error of an array.
func (s *sequences) wrong(name, got, want, remedy string) error {
	return &FileError{File: s.path, Where: "array " + name + s.tail, Got: got, Want: want, Remedy: remedy, Kind: ErrCorrupt}
}

// misspelt refuses a file with an array whose name is nearly that of one that it lacks, such as weights and Lengths.
func (s *sequences) misspelt(arrays map[string]safetensors.Tensor) error {
	for _, name := range s.others {
		own := strings.TrimSuffix(name, s.tail)
		meant, near := setting.Nearest(own, arrayNames)
		for _, known := range arrayNames {
			if strings.EqualFold(own, known) {
				meant, near = known, true
			}
		}
		if _, there := arrays[meant]; near && !there {
			return &FileError{File: s.path, Where: "array " + name, Got: "unknown", Want: "one of " + strings.Join(arrayNames, ", "),
				Remedy: fmt.Sprintf("if it is %s, name it so, otherwise something farther from it", meant+s.tail), Kind: ErrCorrupt}
		}
	}
	return nil
}

// complete refuses a file that lacks an array or has two that exclude each other.
func (s *sequences) complete(arrays map[string]safetensors.Tensor) error {
	_, x := arrays["x"]
	_, label := arrays["label"]
	_, y := arrays["y"]
	missing := func(name, remedy string) error {
		return &FileError{File: s.path, Where: "array " + name + s.tail, Got: "missing", Want: "x" + s.tail + " and label" + s.tail + " or y" + s.tail, Remedy: remedy, Kind: ErrMissing}
	}
	switch {
	case !x:
		return missing("x", "name the input x"+s.tail)
	case !label && !y:
		return missing("label", "name classes label"+s.tail+" and real values y"+s.tail)
	case label && y:
		return s.wrong("y", "beside label"+s.tail, "one of the two", "leave out the one that is not to be learned")
	}
	if _, both := arrays["mask"]; both {
		if _, lengths := arrays["lengths"]; lengths {
			return s.wrong("mask", "beside lengths"+s.tail, "one of the two", "leave one out")
		}
	}
	for name, t := range arrays {
		if slices.Contains(t.Shape, 0) {
			return s.wrong(name, "empty: "+dims(t.Shape), "at least one element", "write it again")
		}
	}
	return nil
}

// dims writes a shape as NumPy does.
func dims(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ",")
}

// readLengths reads the lengths of sequences.
func (s *sequences) readLengths(arrays map[string]safetensors.Tensor) error {
	t, ok := arrays["lengths"]
	if !ok {
		return nil
	}
	if len(t.Shape) != 1 {
		return s.wrong("lengths", dims(t.Shape), "[N]", "give one number for each sequence")
	}
	s.lengths, s.starts = make([]int, t.Shape[0]), make([]int, t.Shape[0])
	for n, v := range t.Numbers() {
		if !(v >= 1 && v <= mostSteps) || v != math.Trunc(v) {
			return s.wrong("lengths", fmt.Sprintf("%v at [%d]", v, n), fmt.Sprintf("whole numbers from 1 to %d", mostSteps), "leave out sequences without steps")
		}
		s.starts[n], s.lengths[n] = s.rows, int(v)
		s.rows += int(v)
	}
	return nil
}

// readInput reads x, which says how many sequences, steps and inputs there are.
func (s *sequences) readInput(arrays map[string]safetensors.Tensor) error {
	t := arrays["x"]
	rank := len(t.Shape)
	if rank < 1 || rank > 3 || rank == 1 && s.lengths == nil {
		return s.wrong("x", dims(t.Shape), "[N,T,I]", "reshape it")
	}
	s.i = 1
	if s.lengths != nil && rank < 3 && t.Shape[0] == s.rows {
		s.size, s.t = len(s.lengths), slices.Max(s.lengths)
		if rank == 2 {
			s.i = t.Shape[1]
		}
	} else {
		if rank == 1 {
			return s.wrong("x", dims(t.Shape), fmt.Sprintf("%d rows, the sum of lengths%s", s.rows, s.tail), "give a length for each sequence")
		}
		s.starts = nil
		s.size, s.t = t.Shape[0], t.Shape[1]
		if s.time {
			s.size, s.t = s.t, s.size
		}
		if rank == 3 {
			s.i = t.Shape[2]
		}
		if s.lengths != nil && len(s.lengths) != s.size {
			return s.wrong("lengths", dims(arrays["lengths"].Shape), fmt.Sprintf("%d numbers, one for each sequence of x%s %s, or x%s with %d rows in all", s.size, s.tail, dims(t.Shape), s.tail, s.rows), s.turn())
		}
		for n, l := range s.lengths {
			if l > s.t {
				return s.wrong("lengths", fmt.Sprintf("%d at [%d]", l, n), fmt.Sprintf("at most the %d steps of x%s %s", s.t, s.tail, dims(t.Shape)), s.turn())
			}
		}
	}
	if s.t > mostSteps {
		return s.wrong("x", fmt.Sprintf("%s, with %d steps", dims(t.Shape), s.t), fmt.Sprintf("at most %d steps", mostSteps), "cut the sequences")
	}
	s.x = s.stepwise("x", t, s.i)
	return s.finite(s.x)
}

// turn is the advice for shapes that do not fit.
func (s *sequences) turn() string {
	if s.time {
		return "data.toml says layout = \"time\", [T,N,...]; leave it out for [N,T,...]"
	}
	return "sequences come first, [N,T,...]; for [T,N,...] set layout = \"time\" in data.toml"
}

// stepwise makes the field of an array with width numbers for each step.
func (s *sequences) stepwise(name string, t safetensors.Tensor, width int) *field {
	f := &field{numbers: newNumbers(t), name: name + s.tail, width: width, each: true, starts: s.starts, shape: t.Shape, seq: s.t * width, step: width}
	if s.time {
		f.seq, f.step = width, s.size*width
	}
	return f
}

// shapes returns what an array of width numbers may be like: for each step, and for each sequence. A width
// of 0 is that of an array without a dimension of its own.
func (s *sequences) shapes(width int) (each, once []int) {
	switch {
	case s.starts != nil:
		each = []int{s.rows}
	case s.time:
		each = []int{s.t, s.size}
	default:
		each = []int{s.size, s.t}
	}
	once = []int{s.size}
	if width > 0 {
		each, once = append(each, width), append(once, width)
	}
	return each, once
}

// field makes the field of an array beside x.
func (s *sequences) field(name string, t safetensors.Tensor, width int) (*field, error) {
	each, once := s.shapes(width)
	switch {
	case slices.Equal(t.Shape, once):
		return &field{numbers: newNumbers(t), name: name + s.tail, width: max(1, width), shape: t.Shape}, nil
	case slices.Equal(t.Shape, each):
		return s.stepwise(name, t, max(1, width)), nil
	}
	remedy := s.turn()
	if n := len(t.Shape); name == "label" && n > 1 && (slices.Equal(t.Shape[:n-1], each) || slices.Equal(t.Shape[:n-1], once)) {
		remedy = "of one-hot labels write label.argmax(-1)"
	}
	return nil, s.wrong(name, dims(t.Shape), fmt.Sprintf("%s or %s, as x%s is %s", dims(each), dims(once), s.tail, dims(s.x.shape)), remedy)
}

// readTarget reads label or y.
func (s *sequences) readTarget(arrays map[string]safetensors.Tensor) (err error) {
	if t, ok := arrays["label"]; ok {
		if s.label, err = s.field("label", t, 0); err != nil {
			return err
		}
		s.every = s.label.each
		return s.checkLabels()
	}
	t := arrays["y"]
	if s.starts == nil && len(t.Shape) == 3 || len(t.Shape) == 2 {
		s.o = t.Shape[len(t.Shape)-1]
	}
	if s.y, err = s.field("y", t, s.o); err != nil {
		return err
	}
	s.o, s.every = max(1, s.o), s.y.each
	return s.finite(s.y)
}

// readWeight reads the weights of the targets.
func (s *sequences) readWeight(arrays map[string]safetensors.Tensor) (err error) {
	t, ok := arrays["weight"]
	if !ok {
		return nil
	}
	if s.weight, err = s.field("weight", t, 0); err != nil {
		return err
	}
	if s.weight.each && !s.every {
		return s.wrong("weight", dims(t.Shape), fmt.Sprintf("[%d], since there is one target for each sequence", s.size), "give one weight for each")
	}
	if err := s.finite(s.weight); err != nil {
		return err
	}
	positive := false
	for i := range s.weight.len() {
		w := s.weight.numbers.at(i)
		if w < 0 {
			return s.wrong("weight", fmt.Sprintf("%v at %s", w, s.weight.place(i)), "at least 0", "weigh targets that do not count with 0")
		}
		positive = positive || w > 0
	}
	if !positive {
		return s.wrong("weight", "0 everywhere", "a weight above 0", "leave it out to weigh all targets alike")
	}
	return nil
}

// readMask reads the mask.
func (s *sequences) readMask(arrays map[string]safetensors.Tensor) (err error) {
	t, ok := arrays["mask"]
	if !ok {
		return nil
	}
	if s.mask, err = s.field("mask", t, 0); err != nil {
		return err
	}
	if !s.mask.each {
		each, _ := s.shapes(0)
		return s.wrong("mask", dims(t.Shape), dims(each), "give 0 or 1 for each step")
	}
	for i := range s.mask.len() {
		if m := s.mask.numbers.at(i); m != 0 && m != 1 {
			return s.wrong("mask", fmt.Sprintf("%v at %s", m, s.mask.place(i)), "0 or 1", "weigh targets with weight"+s.tail)
		}
	}
	for n := range s.size {
		steps := 0
		for t := range s.t {
			if s.mask.numbers.at(s.mask.at(n, t)) != 0 {
				steps++
			}
		}
		if steps == 0 { // it would be judged by the state that it begins with
			return s.wrong("mask", fmt.Sprintf("0 throughout sequence %d", n), "a step that counts in each sequence", "leave out sequences without steps")
		}
	}
	return nil
}

// finite refuses numbers that are NaN or that float32 does not hold.
func (s *sequences) finite(f *field) error {
	for i, v := range f.f {
		if v-v != 0 {
			return s.wrong(strings.TrimSuffix(f.name, s.tail), fmt.Sprintf("%v at %s", v, f.place(i)), "finite numbers, below 3.4e38", "replace missing values, and give their targets weight 0")
		}
	}
	return nil
}

// checkLabels refuses what is no class.
func (s *sequences) checkLabels() error {
	asked := false
	for i := range s.label.len() {
		v := s.label.numbers.at(i)
		if v == ignored {
			continue
		}
		if !(v >= 0 && v <= 1<<24) || v != float32(math.Trunc(float64(v))) {
			return s.wrong("label", fmt.Sprintf("%v at %s", v, s.label.place(i)), "whole numbers from 0, or -100 for none", "number the classes from 0")
		}
		asked, s.most = true, max(s.most, v)
	}
	if !asked {
		return s.wrong("label", "-100 everywhere", "a class", "number the classes from 0")
	}
	return nil
}

// like refuses a test half that does not fit the training half.
func (s *sequences) like(test *sequences) error {
	kind := func(s *sequences) string {
		target := fmt.Sprintf("y of %d values", s.o)
		if s.label != nil {
			target = "label"
		}
		if s.every {
			return target + " for each step"
		}
		return target + " for each sequence"
	}
	if s.i != test.i {
		return test.wrong("x", fmt.Sprintf("%s, with %d inputs", dims(test.x.shape), test.i), fmt.Sprintf("%d, as in %s", s.i, s.path), "give both the same inputs")
	}
	if a, b := kind(s), kind(test); a != b {
		return &FileError{File: test.path, Where: "the target", Got: b, Want: a + ", as in " + s.path, Remedy: "give both the same kind of target", Kind: ErrCorrupt}
	}
	return nil
}
