package rundir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

const (
	checkpointDir = "checkpoints"
	plotDir       = "plots"
	lockName      = "lock"
	logName       = "log.jsonl"
	maxSameSecond = 1000 // runs of one model and task started within one second
)

// Run is an open run directory. Its methods are for one goroutine at a time; the logger of
// Log is for all.
type Run struct {
	fs      FS
	dir     string
	lock    io.Closer      // nil in a view
	metrics File           // opened by the first Append
	events  *events        // opened by the first Append
	restart int64          // step that metrics go on from after Truncate, otherwise 0
	whole   map[int64]bool // steps whose checkpoint is known to be whole
	started bool           // this process has set the status to Running
	made    bool           // by this process, which has not opened one that was there
	logFile File

	settings map[string]any // for TensorBoard
	judged   []string       // metrics beside them
	log      *slog.Logger
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// Create makes and locks root/<utc>-<model>-<task>, a new directory; a second run of the same
// second gets -2 behind its name. Root is made where it is missing.
//
// Errors: ErrInvalid for names that do not fit a path, ErrIO.
func Create(root, model, task string, now time.Time) (*Run, error) {
	return CreateOn(Disk(), root, model, task, now)
}

// Name returns the name of a folder among those of runs, by the time and what is in it.
func Name(now time.Time, what string) string {
	return now.UTC().Format("20060102T150405Z") + "-" + what
}

// CreateOn is Create on another file system.
func CreateOn(fsys FS, root, model, task string, now time.Time) (*Run, error) {
	for _, n := range []string{model, task} {
		if !plainName.MatchString(n) {
			return nil, fmt.Errorf("rundir: name %q: %w: want letters, digits, '_', '.' and '-'", n, ErrInvalid)
		}
	}
	if err := mkdirAll(fsys, root); err != nil {
		return nil, err
	}
	base := filepath.Join(root, Name(now, model+"-"+task))
	dir := base
	for n := 2; ; n++ {
		err := fsys.Mkdir(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) || n > maxSameSecond {
			return nil, ioErr("make", dir, err)
		}
		dir = fmt.Sprintf("%s-%d", base, n)
	}
	err := ioErr("sync", root, fsys.SyncDir(root))
	var r *Run
	if err == nil {
		r, err = lock(fsys, dir)
	}
	if err != nil {
		return nil, withdrawn(fsys, dir, err)
	}
	r.made = true
	return r, nil
}

// Discard closes a run for which nothing was begun, because of an error, which it returns. The folder is removed if Create
// made it; where that fails, too, the error says so.
func (r *Run) Discard(cause error) error {
	made := r.made && r.lock != nil
	_ = r.Close() // the cause says what is wrong
	if !made {
		return cause
	}
	return withdrawn(r.fs, r.dir, cause)
}

// withdrawn removes the folder of a run and returns the error that it is removed for.
func withdrawn(fsys FS, dir string, cause error) error {
	if left := removeRun(fsys, dir); left != nil {
		return fmt.Errorf("%w; %w", cause, left)
	}
	return cause
}

// removeRun removes the folder of a run, whatever was made of it.
func removeRun(fsys FS, dir string) error {
	var failed []error
	for _, folder := range []string{filepath.Join(dir, checkpointDir), filepath.Join(dir, plotDir), dir} {
		names, err := fsys.List(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		failed = append(failed, err)
		for _, name := range names {
			failed = append(failed, fsys.Remove(filepath.Join(folder, name)))
		}
		failed = append(failed, fsys.Remove(folder))
	}
	return ioErr("remove", dir, errors.Join(failed...))
}

// Open opens and locks an existing run directory for going on with the run, and sweeps what a
// killed process left unfinished.
//
// Errors: ErrNotRun, ErrLocked while another process trains in it, ErrIO.
func Open(dir string) (*Run, error) { return OpenOn(Disk(), dir) }

// OpenOn is Open on another file system.
func OpenOn(fsys FS, dir string) (*Run, error) {
	if err := isRun(fsys, dir); err != nil {
		return nil, err
	}
	return lock(fsys, dir)
}

// View opens a run directory for reading, also one that is being written or that cannot be
// written. Methods that write fail with ErrInvalid.
//
// Errors: ErrNotRun, ErrIO.
func View(dir string) (*Run, error) { return ViewOn(Disk(), dir) }

// ViewOn is View on another file system.
func ViewOn(fsys FS, dir string) (*Run, error) {
	if err := isRun(fsys, dir); err != nil {
		return nil, err
	}
	return &Run{fs: fsys, dir: filepath.Clean(dir), whole: map[int64]bool{}, log: slog.New(slog.DiscardHandler)}, nil
}

// isRun tells a run directory by its folder of checkpoints.
func isRun(fsys FS, dir string) error {
	_, err := fsys.List(filepath.Join(dir, checkpointDir))
	why := "it has no folder " + checkpointDir + "; galvani runs list names the runs"
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		why = "it is a file"
	case !errors.Is(err, fs.ErrNotExist):
		return ioErr("list", filepath.Join(dir, checkpointDir), err)
	default:
		if _, err := fsys.List(dir); errors.Is(err, fs.ErrNotExist) {
			why = "there is no such folder; galvani runs list names the runs"
		}
	}
	return fmt.Errorf("rundir: %s: %w: %s", dir, ErrNotRun, why)
}

// lock takes the lock, then brings the directory into order.
func lock(fsys FS, dir string) (*Run, error) {
	r := &Run{fs: fsys, dir: filepath.Clean(dir), whole: map[int64]bool{}}
	var err error
	if r.lock, err = lockFolder(fsys, dir); err != nil {
		return nil, err
	}
	if err := r.prepare(); err != nil {
		_ = r.Close() // the first error says what is wrong
		return nil, err
	}
	return r, nil
}

// LockFolder keeps other processes that ask for the same out of a folder, such as that of a sweep, until it is closed or
// this process ends.
//
// Errors: ErrLocked, ErrIO.
func LockFolder(dir string) (io.Closer, error) { return lockFolder(Disk(), dir) }

func lockFolder(fsys FS, dir string) (io.Closer, error) {
	name := filepath.Join(dir, lockName)
	l, err := fsys.Lock(name)
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("rundir: %s: %w; wait for it to end or stop it first", dir, err)
	}
	if err != nil {
		return nil, ioErr("lock", name, err)
	}
	return l, nil
}

func (r *Run) prepare() error {
	for _, sub := range []string{checkpointDir, plotDir} {
		if err := r.fs.Mkdir(r.path(sub)); err != nil && !errors.Is(err, fs.ErrExist) {
			return ioErr("make", r.path(sub), err)
		}
	}
	for _, sub := range []string{"", checkpointDir, plotDir} {
		if err := sweep(r.fs, r.path(sub)); err != nil {
			return err
		}
	}
	f, err := r.fs.Append(r.path(logName))
	if err != nil {
		return ioErr("append to", r.path(logName), err)
	}
	r.logFile, r.log = f, slog.New(slog.NewJSONHandler(f, nil))
	return ioErr("sync", r.dir, r.fs.SyncDir(r.dir))
}

// Dir returns the path of the run directory.
func (r *Run) Dir() string { return r.dir }

// Log returns the logger behind log.jsonl. In a view it discards.
func (r *Run) Log() *slog.Logger { return r.log }

// Close makes the metrics durable and gives the lock back, whatever fails on the way; it
// returns the first error.
func (r *Run) Close() error {
	var all []error
	add := func(name string, f File) {
		all = append(all, ioErr("sync", r.path(name), f.Sync()), ioErr("close", r.path(name), f.Close()))
	}
	if r.metrics != nil {
		add(metricsName, r.metrics)
	}
	if r.events != nil {
		add(r.events.name, r.events.file)
	}
	if r.logFile != nil {
		add(logName, r.logFile)
	}
	if r.lock != nil {
		all = append(all, ioErr("unlock", r.path(lockName), r.lock.Close()))
	}
	r.metrics, r.events, r.logFile, r.lock = nil, nil, nil, nil
	r.log = slog.New(slog.DiscardHandler)
	return cmp.Or(all...)
}

// Write puts a file of the run in place at once: the old content or the new, never a part.
// Name is relative to the run directory, config.toml or plots/loss.svg, its folder exists.
//
// Errors: ErrInvalid for a name outside of the run directory or in a view, ErrIO.
func (r *Run) Write(name string, content []byte) error {
	if err := r.writable(name); err != nil {
		return err
	}
	if !filepath.IsLocal(name) {
		return fmt.Errorf("rundir: name %q: %w: it leads out of the run directory", name, ErrInvalid)
	}
	return replaceBytes(r.fs, r.path(name), content)
}

// Read returns the content of a file of the run.
//
// Errors: ErrIO, also fs.ErrNotExist where the file is missing.
func (r *Run) Read(name string) ([]byte, error) { return readAll(r.fs, r.path(name)) }

func (r *Run) path(elem ...string) string {
	return filepath.Join(append([]string{r.dir}, elem...)...)
}

// writable refuses to write through a view or after Close.
func (r *Run) writable(what string) error {
	if r.lock == nil {
		return fmt.Errorf("rundir: %s: %s: %w: the run is not open for writing", r.dir, what, ErrInvalid)
	}
	return nil
}

// mkdirAll makes dir and its parents and makes their names durable.
func mkdirAll(fsys FS, dir string) error {
	err := fsys.Mkdir(dir)
	parent := filepath.Dir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := mkdirAll(fsys, parent); err != nil {
			return err
		}
		err = fsys.Mkdir(dir)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return ioErr("make", dir, err)
	}
	return ioErr("sync", parent, fsys.SyncDir(parent))
}
