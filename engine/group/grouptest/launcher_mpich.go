//go:build mpich

package grouptest

// launcher is that of MPICH, under the name that it has where another MPI is installed too.
var launcher = []string{"mpirun.mpich"}

// Killed is the exit code of a job of which a rank was killed: with MPICH the number of the signal.
const Killed = 9

// WithoutMemory is a variable with which the library has no memory that ranks of one machine see; empty where it always has.
const WithoutMemory = ""
