//go:build !mpi && !mpich

package group

import "errors"

// Built says whether this program was built with MPI.
const Built = false

// process is the link of a rank that is a process, which there is none of without MPI.
type process struct{}

func (*process) close() error { return nil }

func open(func(error) int) (*Launched, error) {
	return nil, errors.New("group: built without MPI")
}

// LibrarySum fails: there is no library.
func (*Launched) LibrarySum([]float32) error { return errors.New("group: built without MPI") }
