//go:build !mpich

package grouptest

// launcher is that of Open MPI.
var launcher = []string{"mpirun", "--oversubscribe", "--mca", "pml", "ob1", "--mca", "btl", "vader,self"}

// Killed is the exit code of a job of which a rank was killed.
const Killed = 128 + 9

// WithoutMemory is a variable with which the library has no memory that ranks of one machine see; empty where it always has.
const WithoutMemory = "OMPI_MCA_osc=^sm"
