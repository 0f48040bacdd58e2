package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/safetensors"
)

const (
	keepLast      = 3 // checkpoints by step, besides the best
	bestName      = "best.safetensors"
	maxStep       = 999_999_999_999 // twelve digits in the name of the file
	formatVersion = "1"

	// Keys of __metadata__.
	keyFormat     = "galvani_checkpoint"
	keyState      = "state"
	keyConfig     = "config"
	keyConfigHash = "config_sha256"
	keyDataHash   = "data_sha256"
	keyHeaderHash = "header_sha256"
)

// blank stands for header_sha256 in the header that this hash is taken over.
var blank = strings.Repeat("0", 64)

// record is the JSON text under the key state.
type record struct {
	Step    int64             `json:"step"`
	Epoch   int64             `json:"epoch"`
	Cursor  int64             `json:"cursor"`
	Seed    uint64            `json:"seed"`
	Version string            `json:"version"`
	Device  string            `json:"device"`
	Model   string            `json:"model"`
	Task    string            `json:"task"`
	Best    string            `json:"best"` // as text: JSON has no NaN
	Extra   map[string]string `json:"extra,omitempty"`
}

// Save writes checkpoints/step-<step>.safetensors. When it returns nil the checkpoint is
// durable: written, read back, verified, renamed into place, its name synced. Only then are
// older ones removed, down to the last three that are whole, and those of later steps, which belong to a
// course of the run that was given up by resuming before them. Metrics appended before are
// durable too.
//
// Errors: ErrInvalid for a state that does not fit the format, ErrIO; the checkpoints there
// were are untouched.
func (r *Run) Save(s *State) error {
	name := stepName(s.Step)
	delete(r.whole, s.Step)
	if err := r.save(name, s); err != nil {
		return err
	}
	r.whole[s.Step] = true
	r.prune(s.Step)
	return nil
}

// SaveBest writes checkpoints/best.safetensors in the same way. It replaces the best before it
// and counts neither among the last three nor, as long as one of these is whole, for Latest.
func (r *Run) SaveBest(s *State) error { return r.save(bestName, s) }

func (r *Run) save(name string, s *State) error {
	if err := r.writable(name); err != nil {
		return err
	}
	if s.Step < 0 || s.Step > maxStep || s.Epoch < 0 || s.Cursor < 0 {
		return fmt.Errorf("rundir: %s: %w: step %d, epoch %d, cursor %d, want 0 to %d", name, ErrInvalid, s.Step, s.Epoch, s.Cursor, maxStep)
	}
	if err := r.flush(); err != nil {
		return err
	}
	metadata, err := s.metadata()
	if err != nil {
		return fmt.Errorf("rundir: %s: %w: %w", name, ErrInvalid, err)
	}
	path := r.path(checkpointDir, name)
	return replace(r.fs, path, func(w io.Writer) error {
		return safetensors.Write(w, s.Tensors, metadata)
	}, func(temp string) error {
		back, err := load(r.fs, temp)
		if err == nil && back.dataHash != metadata[keyDataHash] {
			err = fmt.Errorf("rundir: %s: %w: data hash %s, want %s", temp, ErrCorrupt, back.dataHash, metadata[keyDataHash])
		}
		if errors.Is(err, ErrCorrupt) { // the disk gave back something else than it was given
			return &ioError{"read back", temp, fmt.Errorf("other content than was written: %v", err)}
		}
		return err
	})
}

// metadata returns what goes into __metadata__, hashes included.
func (s *State) metadata() (map[string]string, error) {
	state, err := json.Marshal(record{
		Step: s.Step, Epoch: s.Epoch, Cursor: s.Cursor, Seed: s.Seed, Version: s.Version,
		Device: s.Device, Model: s.Model, Task: s.Task,
		Best: strconv.FormatFloat(s.Best, 'g', -1, 64), Extra: s.Extra,
	})
	if err != nil {
		return nil, err
	}
	var data [][]byte
	for _, t := range safetensors.Layout(s.Tensors) {
		data = append(data, t.Data)
	}
	m := map[string]string{
		keyFormat: formatVersion, keyState: string(state),
		keyConfig: s.Config, keyConfigHash: s.ConfigHash(),
		keyDataHash: hash(data...), keyHeaderHash: blank,
	}
	header, err := safetensors.Header(s.Tensors, m)
	if err != nil {
		return nil, err
	}
	m[keyHeaderHash] = hash(header)
	return m, nil
}

// Encode returns what Save writes.
//
// Errors: ErrInvalid for a state that does not fit the format.
func Encode(s *State) ([]byte, error) {
	metadata, err := s.metadata()
	var b bytes.Buffer
	if err == nil {
		err = safetensors.Write(&b, s.Tensors, metadata)
	}
	if err != nil {
		return nil, fmt.Errorf("rundir: checkpoint: %w: %w", ErrInvalid, err)
	}
	return b.Bytes(), nil
}

// Decode reads and verifies what Encode returned; name stands for it in errors.
//
// Errors: ErrCorrupt.
func Decode(b []byte, name string) (*State, error) {
	f, err := safetensors.Decode(b, name)
	if err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	c, err := verify(f)
	if err != nil {
		return nil, fmt.Errorf("rundir: %s: %w", name, err)
	}
	c.Path = name
	return &c.State, nil
}

// Load reads and verifies one checkpoint file. Nothing in it is executed, and no more memory
// is taken than the file is long.
//
// Errors: ErrCorrupt, ErrForeign for a safetensors file of other origin, ErrIO.
func Load(path string) (*State, error) { return LoadOn(Disk(), path) }

// LoadOn is Load on another file system.
func LoadOn(fsys FS, path string) (*State, error) {
	c, err := load(fsys, path)
	if err != nil {
		return nil, err
	}
	return &c.State, nil
}

// loaded is a checkpoint with the hash of its data as found.
type loaded struct {
	State
	dataHash string
}

func load(fsys FS, path string) (*loaded, error) {
	r, err := fsys.Open(path)
	if err != nil {
		return nil, ioErr("open", path, err)
	}
	defer r.Close()
	f, err := safetensors.Read(r, r.Size(), path)
	switch {
	case errors.Is(err, safetensors.ErrUnsupported):
		return nil, fmt.Errorf("rundir: %w: %w", ErrForeign, err)
	case errors.Is(err, ErrCorrupt):
		return nil, fmt.Errorf("rundir: %w", err)
	case err != nil:
		return nil, ioErr("read", path, err)
	}
	c, err := verify(f)
	if err != nil {
		return nil, fmt.Errorf("rundir: %s: %w", path, err)
	}
	c.Path = path
	return c, nil
}

// verify checks the hashes and takes the state out of the metadata.
func verify(f *safetensors.File) (*loaded, error) {
	m := f.Metadata
	if _, ok := m[keyFormat]; !ok {
		return nil, fmt.Errorf("%w: metadata has no %s", ErrForeign, keyFormat)
	}
	sum := m[keyHeaderHash]
	if n := bytes.Count(f.Header, []byte(sum)); len(sum) != len(blank) || n != 1 {
		return nil, fmt.Errorf("metadata %s: %w: %q, want one hash", keyHeaderHash, ErrCorrupt, sum)
	}
	if got := hash(bytes.Replace(f.Header, []byte(sum), []byte(blank), 1)); got != sum {
		return nil, fmt.Errorf("header: %w: hash %s, want %s", ErrCorrupt, got, sum)
	}
	if m[keyFormat] != formatVersion {
		return nil, fmt.Errorf("%w: format version %q, want %s; use the program that wrote it", ErrForeign, m[keyFormat], formatVersion)
	}
	c := &loaded{dataHash: hash(f.Data)}
	if c.dataHash != m[keyDataHash] {
		return nil, fmt.Errorf("data: %w: hash %s, want %s", ErrCorrupt, c.dataHash, m[keyDataHash])
	}
	var rec record
	d := json.NewDecoder(strings.NewReader(m[keyState]))
	d.DisallowUnknownFields()
	if err := d.Decode(&rec); err != nil {
		return nil, fmt.Errorf("metadata %s: %w: %w", keyState, ErrCorrupt, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("metadata %s: %w: more than one JSON value", keyState, ErrCorrupt)
	}
	best, err := strconv.ParseFloat(rec.Best, 64)
	if err != nil {
		return nil, fmt.Errorf("metadata %s: best: %w: %w", keyState, ErrCorrupt, err)
	}
	if rec.Step < 0 || rec.Step > maxStep || rec.Epoch < 0 || rec.Cursor < 0 {
		return nil, fmt.Errorf("metadata %s: %w: step %d, epoch %d, cursor %d, want 0 to %d", keyState, ErrCorrupt, rec.Step, rec.Epoch, rec.Cursor, maxStep)
	}
	c.State = State{
		Step: rec.Step, Epoch: rec.Epoch, Cursor: rec.Cursor, Seed: rec.Seed, Config: m[keyConfig],
		Version: rec.Version, Device: rec.Device, Model: rec.Model, Task: rec.Task, Best: best,
		Extra: maps.Clone(rec.Extra), Tensors: f.Tensors,
	}
	if got := c.ConfigHash(); got != m[keyConfigHash] {
		return nil, fmt.Errorf("metadata %s: %w: hash %s, want %s", keyConfig, ErrCorrupt, got, m[keyConfigHash])
	}
	return c, nil
}

// Checkpoints returns the paths of the checkpoints by step, newest first. The best is not
// among them.
func (r *Run) Checkpoints() ([]string, error) {
	steps, err := r.steps()
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(steps))
	for i, s := range steps {
		paths[i] = r.path(checkpointDir, stepName(s))
	}
	return paths, nil
}

// Newest returns the step of the newest checkpoint by name, without a look into it.
//
// Errors: ErrNoCheckpoint, ErrIO.
func (r *Run) Newest() (int64, error) {
	steps, err := r.steps()
	if err == nil && len(steps) == 0 {
		err = fmt.Errorf("rundir: %s: %w", r.dir, ErrNoCheckpoint)
	}
	if err != nil {
		return 0, err
	}
	return steps[0], nil
}

// Latest loads the newest checkpoint that is whole, the best one if none of the others is. The
// errors in skipped name those that are damaged or foreign and were passed over. One that the
// disk fails to read is not passed over: it may be whole, and going on from an older one would
// in the end remove it.
//
// Errors: ErrNoCheckpoint if there is none; ErrIO; ErrCorrupt or ErrForeign if all are bad.
func (r *Run) Latest() (s *State, skipped []error, err error) {
	paths, err := r.Checkpoints()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range paths {
		s, err = LoadOn(r.fs, p)
		switch {
		case err == nil:
			return s, skipped, nil
		case errors.Is(err, fs.ErrNotExist): // removed by the writer since it was listed
		case errors.Is(err, ErrIO):
			return nil, skipped, fmt.Errorf("%w; if it stays unreadable, remove it to resume from the one before", err)
		default:
			skipped = append(skipped, err)
		}
	}
	s, err = r.Best()
	switch {
	case err == nil:
		return s, skipped, nil
	case errors.Is(err, ErrIO):
		return nil, skipped, err
	case !errors.Is(err, ErrNoCheckpoint):
		skipped = append(skipped, err)
	case len(skipped) == 0:
		return nil, nil, fmt.Errorf("rundir: %s: %w", r.dir, ErrNoCheckpoint)
	}
	return nil, skipped, fmt.Errorf("rundir: %s: none of %d checkpoints is whole: %w", r.dir, len(skipped), skipped[0])
}

// Best loads the best checkpoint.
//
// Errors: ErrNoCheckpoint if none was saved; those of Load.
func (r *Run) Best() (*State, error) {
	names, err := r.fs.List(r.path(checkpointDir))
	if err != nil {
		return nil, ioErr("list", r.path(checkpointDir), err)
	}
	if !slices.Contains(names, bestName) {
		return nil, fmt.Errorf("rundir: %s: %w", r.path(checkpointDir, bestName), ErrNoCheckpoint)
	}
	return LoadOn(r.fs, r.path(checkpointDir, bestName))
}
