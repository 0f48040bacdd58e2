//go:build mpich

package grouptest

// launcher is that of MPICH, under the name that it has where another MPI is installed too.
var launcher = []string{"mpirun.mpich"}
