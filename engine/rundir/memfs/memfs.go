package memfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"galvani/engine/rundir"
)

// FS is a rundir.FS. It is for one goroutine at a time.
type FS struct {
	// Before is asked before every call, by the name of the method: Create, Write, Sync, ...
	// An error from it makes the call fail; a Write that fails has written the first half.
	Before func(call, name string) error
	// Ignore is asked at every Sync and SyncDir; true turns the call into nothing, as if the
	// program had never made it. A test that then still passes does not test that call.
	Ignore func(call, name string) bool

	// Limit is the space for the contents of all files together, 0 for no limit. A Write beyond it
	// writes what there is space for and fails with ENOSPC.
	Limit int64

	root   *node
	locked map[string]bool
}

var _ rundir.FS = (*FS)(nil)

// New returns an empty file system.
func New() *FS { return &FS{root: newDir(), locked: map[string]bool{}} }

// node is a file or a directory, as it is and as it would be found after a crash.
type node struct {
	data, synced []byte // file; never changed in place

	names, syncedNames map[string]*node // directory; nil for a file
	pending            []operation      // on names since they were synced
}

// operation is what one call does to the names of a directory: all of it happens or nothing.
type operation []change

// change sets a name, or removes it where to is nil.
type change struct {
	name string
	to   *node
}

func newDir() *node { return &node{names: map[string]*node{}, syncedNames: map[string]*node{}} }

// Used returns the space that the contents of all files take.
func (f *FS) Used() int64 { return f.root.used() }

func (n *node) used() int64 {
	sum := int64(len(n.data))
	for _, child := range n.names {
		sum += child.used()
	}
	return sum
}

func (n *node) isDir() bool { return n.names != nil }

func (n *node) apply(op operation) {
	n.pending = append(n.pending, op)
	op.do(n.names)
}

func (op operation) do(names map[string]*node) {
	for _, c := range op {
		if c.to == nil {
			delete(names, c.name)
		} else {
			names[c.name] = c.to
		}
	}
}

// Crash returns what is found after a power cut at this moment; f itself goes on unharmed.
// Without rng nothing survives but what was synced. With it, every unsynced operation on a
// directory survives or not, and unsynced content survives whole, cut, with zeros at its end,
// or not at all.
func (f *FS) Crash(rng *rand.Rand) *FS {
	after := New()
	after.root = f.root.crash(rng)
	return after
}

func (n *node) crash(rng *rand.Rand) *node {
	if !n.isDir() {
		b := n.synced
		if rng != nil {
			b = tear(rng, n.synced, n.data)
		}
		return &node{data: b, synced: b}
	}
	names := maps.Clone(n.syncedNames)
	if rng != nil {
		for _, op := range n.pending {
			if rng.IntN(2) == 0 {
				op.do(names)
			}
		}
	}
	after := newDir()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		child := names[name].crash(rng)
		after.names[name], after.syncedNames[name] = child, child
	}
	return after
}

// tear returns one of the contents that a crash may leave of data. What was synced and has not
// been overwritten since is safe.
func tear(rng *rand.Rand, synced, data []byte) []byte {
	if bytes.Equal(synced, data) {
		return data
	}
	safe := 0
	if bytes.HasPrefix(data, synced) {
		safe = len(synced)
	}
	cut := safe + rng.IntN(len(data)-safe+1)
	switch rng.IntN(4) {
	case 0:
		return synced
	case 1:
		return data
	case 2:
		return data[:cut:cut]
	default:
		return slices.Concat(data[:cut], make([]byte, len(data)-cut))
	}
}

func (f *FS) before(call, name string) error {
	if f.Before == nil {
		return nil
	}
	return f.Before(call, name)
}

func (f *FS) ignored(call, name string) bool { return f.Ignore != nil && f.Ignore(call, name) }

func pathError(call, name string, err error) error {
	return &fs.PathError{Op: strings.ToLower(call), Path: name, Err: err}
}

// find returns the node of a path.
func (f *FS) find(name string) (*node, error) {
	n := f.root
	for _, part := range strings.Split(filepath.ToSlash(filepath.Clean(name)), "/") {
		if part == "" || part == "." {
			continue
		}
		next, ok := n.names[part]
		if !ok {
			return nil, fs.ErrNotExist
		}
		n = next
	}
	return n, nil
}

// at returns the directory that a path lies in, its last name, and the node if it is there.
func (f *FS) at(call, name string) (dir *node, base string, n *node, err error) {
	if err := f.before(call, name); err != nil {
		return nil, "", nil, pathError(call, name, err)
	}
	dir, err = f.find(filepath.Dir(name))
	if err == nil && !dir.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, "", nil, pathError(call, name, err)
	}
	base = filepath.Base(name)
	return dir, base, dir.names[base], nil
}

// Mkdir implements rundir.FS.
func (f *FS) Mkdir(name string) error {
	dir, base, n, err := f.at("Mkdir", name)
	if err != nil {
		return err
	}
	if n != nil || dir == f.root && base == "." {
		return pathError("Mkdir", name, fs.ErrExist)
	}
	dir.apply(operation{{base, newDir()}})
	return nil
}

// Create implements rundir.FS.
func (f *FS) Create(name string) (rundir.File, error) { return f.open("Create", name, true) }

// Append implements rundir.FS.
func (f *FS) Append(name string) (rundir.File, error) { return f.open("Append", name, false) }

func (f *FS) open(call, name string, empty bool) (rundir.File, error) {
	dir, base, n, err := f.at(call, name)
	if err != nil {
		return nil, err
	}
	switch {
	case n == nil:
		n = &node{}
		dir.apply(operation{{base, n}})
	case n.isDir():
		return nil, pathError(call, name, syscall.EISDIR)
	case empty:
		n.data = nil
	}
	return &file{f, name, n}, nil
}

// Open implements rundir.FS.
func (f *FS) Open(name string) (rundir.Reader, error) {
	_, _, n, err := f.at("Open", name)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, pathError("Open", name, fs.ErrNotExist)
	}
	return &reader{f, name, n}, nil
}

// List implements rundir.FS.
func (f *FS) List(name string) ([]string, error) {
	if err := f.before("List", name); err != nil {
		return nil, pathError("List", name, err)
	}
	n, err := f.find(name)
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError("List", name, err)
	}
	return slices.Sorted(maps.Keys(n.names)), nil
}

// Rename implements rundir.FS, within one directory.
func (f *FS) Rename(from, to string) error {
	dir, base, n, err := f.at("Rename", from)
	if err != nil {
		return err
	}
	if n == nil {
		return pathError("Rename", from, fs.ErrNotExist)
	}
	if filepath.Dir(filepath.Clean(from)) != filepath.Dir(filepath.Clean(to)) {
		return pathError("Rename", from, errors.ErrUnsupported)
	}
	dir.apply(operation{{base, nil}, {filepath.Base(to), n}})
	return nil
}

// Remove implements rundir.FS.
func (f *FS) Remove(name string) error {
	dir, base, n, err := f.at("Remove", name)
	if err != nil {
		return err
	}
	if n == nil {
		return pathError("Remove", name, fs.ErrNotExist)
	}
	dir.apply(operation{{base, nil}})
	return nil
}

// SyncDir implements rundir.FS.
func (f *FS) SyncDir(name string) error {
	if err := f.before("SyncDir", name); err != nil {
		return pathError("SyncDir", name, err)
	}
	n, err := f.find(name)
	if err != nil {
		return pathError("SyncDir", name, err)
	}
	if !f.ignored("SyncDir", name) {
		n.syncedNames, n.pending = maps.Clone(n.names), nil
	}
	return nil
}

// Lock implements rundir.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	name = filepath.Clean(name)
	if _, err := f.open("Lock", name, false); err != nil {
		return nil, err
	}
	if f.locked[name] {
		return nil, rundir.ErrLocked
	}
	f.locked[name] = true
	return unlock(func() { delete(f.locked, name) }), nil
}

// Held implements rundir.FS.
func (f *FS) Held(name string) (bool, error) { return f.locked[filepath.Clean(name)], nil }

type unlock func()

func (u unlock) Close() error {
	u()
	return nil
}
