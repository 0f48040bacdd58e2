package group

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Launched are the ranks of a job that mpirun, srun or another launcher of MPI has started, of which
// this process is one; or this process alone, where no launcher has.
type Launched struct {
	Group
	Library string // the name of the MPI library, empty for a process alone
	process *process
}

// ErrLauncher is wrapped where a launcher and this program do not fit together.
var ErrLauncher = errors.New("launcher and program do not fit")

// DevicePointers is a variable that says whether memory of a device is passed to the MPI library: yes or no in the place of
// what the library says. Some say yes and cannot, or say nothing and can; tests say yes for an emulated device.
const DevicePointers = "GALVANI_MPI_DEVICE_POINTERS"

// started are the variables by which launchers say how many processes they have started and which one this
// is: those of Open MPI, and of MPICH and others that speak PMI.
var started = []struct{ size, rank string }{
	{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
	{"PMI_SIZE", "PMI_RANK"},
}

// Started returns the place of this process among those that a launcher has started, from the
// environment alone; 0 of 1 for a process alone.
func Started() (rank, size int, by bool) {
	for _, v := range started {
		if n, err := strconv.Atoi(os.Getenv(v.size)); err == nil && n > 0 {
			k, _ := strconv.Atoi(os.Getenv(v.rank))
			return k, n, true
		}
	}
	return 0, 1, Built && os.Getenv("PMIX_RANK") != "" // srun --mpi=pmix tells no size
}

// Open returns the ranks of the job that this process belongs to. Code is the exit code of a rank that
// leaves, which the others hear.
//
// Errors: ErrLauncher for a program without MPI that was started more than once, and for the launcher
// of another MPI library; those of MPI.
func Open(code func(error) int) (*Launched, error) {
	_, n, by := Started()
	switch {
	case !by || n == 1 && !Built:
		return &Launched{Group: Alone{}}, nil
	case !Built:
		return nil, fmt.Errorf("group: a launcher has started %d processes of a program that was built without MPI; build it with: make mpi: %w", n, ErrLauncher)
	}
	l, err := open(code)
	if err != nil {
		return nil, err
	}
	if l.Size() < n {
		return nil, errors.Join(fmt.Errorf("group: %s counts %d processes, and the launcher has started %d: it belongs to another MPI library; start the job with the mpirun of the library that the program was built with: %w",
			l.Library, l.Size(), n, ErrLauncher), l.process.close())
	}
	return l, nil
}

// End tells the others of the error that this rank ends with, or waits until all have ended. It returns
// that error, or that of a rank that has left.
func (l *Launched) End(err error) error {
	if err == nil {
		return l.Sum(nil, nil)
	}
	l.Abort(err) // unless a rank has left
	return err
}

// Close ends MPI, after End. What this rank has to say must be said before: when one process is gone, a
// launcher may kill the others.
func (l *Launched) Close() error {
	if l.process == nil {
		return nil
	}
	return l.process.close()
}
