package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"galvani/data"
	"galvani/engine/chart"
	"galvani/engine/hostmem"
	"galvani/engine/infile"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/engine/setting"
)

// errInput means that a file of tensors does not fit the task.
var errInput = errors.New("input does not fit")

// openTensors reads a safetensors or an NPZ file, which it tells by what the file begins with.
//
// Errors: those of safetensors.Open.
func openTensors(path string) (*safetensors.File, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !isArchive(f) {
		return safetensors.Read(f, info.Size(), path)
	}
	most := int64(1) << 50
	if room, known := hostmem.There(); known {
		most = room.Usable()
	}
	list, err := npz.Select(f, info.Size(), most, func(string) bool { return true })
	if err == nil && len(list) == 0 { // of PyTorch, for instance
		err = fmt.Errorf("npz: an archive without arrays: %w", safetensors.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &safetensors.File{Tensors: list}, nil
}

// isArchive reports whether a file begins as an NPZ file does.
func isArchive(f io.ReaderAt) bool {
	head := make([]byte, len(npz.Magic))
	n, _ := f.ReadAt(head, 0) // reading on says what is wrong
	return string(head[:n]) == npz.Magic
}

// beginsAsArchive is isArchive of a file that is not open.
func beginsAsArchive(path string) bool {
	f, err := infile.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return isArchive(f)
}

// readBatch makes a batch of the tensors x [T,B,I] and y, of any length T, and where they are
// given weight (of the shape of labels) and mask [T,B]: 0 or 1, lengths of steps where the task has them.
//
// Shape: y is [B] or [T,B] with class labels, [B,O] or [T,B,O] with values.
func readBatch(t *data.Task, f *safetensors.File) (*data.Batch, error) {
	x, ok := f.Tensor("x")
	if !ok || len(x.Shape) != 3 || x.Shape[0] < 1 || x.Shape[1] < 1 || x.Shape[2] != t.I {
		return nil, fmt.Errorf("%w: x is %v, want [T,B,%d]", errInput, x.Shape, t.I)
	}
	fit := *t
	fit.T = x.Shape[0]
	b := data.NewBatch(&fit, x.Shape[1])
	rows := []int{b.B}
	if b.Every {
		rows = []int{b.T, b.B}
	}
	for i := range b.Weight {
		b.Weight[i] = 1
	}
	for i := range b.Mask {
		b.Mask[i] = 1
	}
	y := part{name: "y", dst: b.Label, shape: rows, needed: true}
	if b.Value != nil {
		y = part{name: "y", dst: b.Value, shape: append(slices.Clone(rows), b.O), needed: true}
	}
	parts := []part{{"x", b.X, x.Shape, true}, y, {"weight", b.Weight, rows, false}, {"mask", b.Mask, []int{b.T, b.B}, false}}
	for _, p := range parts {
		if err := p.read(f); err != nil {
			return nil, err
		}
	}
	if err := misspelt(f, parts); err != nil {
		return nil, err
	}
	for i, label := range b.Label {
		if k := int(label); float32(k) != label || k < 0 || k >= b.O {
			return nil, fmt.Errorf("%w: y holds %v at element %d, want classes 0 to %d", errInput, label, i, b.O-1)
		}
	}
	for i, w := range b.Weight {
		if w < 0 {
			return nil, fmt.Errorf("%w: weight holds %v at element %d, want 0 or more", errInput, w, i)
		}
	}
	for i, m := range b.Mask {
		if t.Irregular && m < 0 {
			return nil, fmt.Errorf("%w: mask holds %v at step %d of sequence %d, want lengths of steps, 0 where there is none", errInput, m, i/b.B, i%b.B)
		}
		if !t.Irregular && m != 0 && m != 1 {
			return nil, fmt.Errorf("%w: mask holds %v at step %d of sequence %d, want 0 or 1", errInput, m, i/b.B, i%b.B)
		}
	}
	return b, nil
}

// part is one tensor of a file and where it belongs in a batch.
type part struct {
	name   string
	dst    []float32 // nil where the task has no such tensor
	shape  []int
	needed bool
}

func (p part) read(f *safetensors.File) error {
	t, ok := f.Tensor(p.name)
	if !ok && !p.needed {
		return nil
	}
	if p.dst == nil { // the mask of a task whose sequences are all of one length
		if slices.ContainsFunc(t.Numbers(), func(x float64) bool { return x != 1 }) {
			return fmt.Errorf("%w: %s is not 1 everywhere, and this task has sequences of one length; leave it out, and give targets that do not count weight 0", errInput, p.name)
		}
		return nil
	}
	if !ok || !slices.Equal(t.Shape, p.shape) {
		return fmt.Errorf("%w: %s is %v, want %v", errInput, p.name, t.Shape, p.shape)
	}
	for i, x := range t.Numbers() {
		if p.dst[i] = float32(x); !finite(p.dst[i]) {
			return fmt.Errorf("%w: %s holds %v at element %d, want numbers that float32 holds", errInput, p.name, x, i)
		}
	}
	return nil
}

// misspelt refuses a tensor whose name is nearly that of a part that the file lacks, such as weights.
func misspelt(f *safetensors.File, parts []part) error {
	var lacks []string
	for _, p := range parts {
		if _, there := f.Tensor(p.name); !there {
			lacks = append(lacks, p.name)
		}
	}
	for _, t := range f.Tensors {
		if near, ok := setting.Nearest(t.Name, lacks); ok {
			return fmt.Errorf("%w: tensor %q is none of x, y, weight and mask; did you mean %q?", errInput, t.Name, near)
		}
	}
	return nil
}

// finite reports whether x is a number and not infinite.
func finite(x float32) bool { return x-x == 0 }

// outFolder refuses the name of files to write in a folder that is not there, before they are computed.
func outFolder(name string) error {
	if name == "" {
		return nil
	}
	info, err := os.Stat(filepath.Dir(name))
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "write", Path: filepath.Dir(name), Err: syscall.ENOTDIR}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no folder %s; make it, or name another one: %w", filepath.Dir(name), err)
	}
	return err
}

// writeFile writes a file under a temporary name and then gives it its own, so that a failure leaves no half of it.
// A link stays, and what it leads to is written. A pipe or a device, such as /dev/stdout, is written itself.
func writeFile(path string, write func(io.Writer) error) (err error) {
	info, missing := os.Stat(path)
	dir := filepath.Dir(path)
	switch {
	case missing == nil && info.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case dir == "/dev" || dir == "/dev/fd" || missing == nil && !info.Mode().IsRegular():
		return writeThrough(path, write)
	}
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	f, err := tempBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(underWay{f, path}); err != nil {
		return err
	}
	if missing == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err := errors.Join(err, f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return f.Close()
}

// underWay is a file under a temporary name, whose errors are those of the file that it becomes.
type underWay struct {
	file *os.File
	path string
}

func (b underWay) Write(p []byte) (int, error) {
	n, err := b.file.Write(p)
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = &fs.PathError{Op: e.Op, Path: b.path, Err: e.Err}
	}
	return n, err
}

// tempBeside makes a file in the folder of another, with the permissions that the user gives to new files.
func tempBeside(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(filepath.Join(filepath.Dir(path), fmt.Sprintf(".galvani-%d", rand.Uint64())), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cmp.Or(outFolder(path), err)
		}
		if path := (*fs.PathError)(nil); errors.As(err, &path) && !errors.Is(err, fs.ErrExist) {
			return nil, &fs.PathError{Op: "make a file in", Path: filepath.Dir(path.Path), Err: path.Err}
		}
		if err == nil {
			return f, nil
		}
	}
}

// writeThrough writes what is no regular file, in place.
func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// writeBytes writes a file that is complete or not there, like writeFile.
func writeBytes(path string, b []byte) error {
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// picture is a chart, or several above each other.
type picture interface {
	Render(format string) ([]byte, error)
}

// writeChart writes a chart to files of a name with the ending of each format.
func writeChart(name string, c picture) error {
	for _, format := range chart.Formats {
		b, err := c.Render(format)
		if err != nil {
			return err
		}
		if err := writeBytes(name+"."+format, b); err != nil {
			return err
		}
	}
	return nil
}
