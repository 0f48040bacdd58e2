package grouptest

import (
	"os"
	"os/exec"
	"strconv"
)

// Launch returns n processes of a command that the mpirun of the library starts on this machine, more than
// there are cores, with variables beside those of this process.
func Launch(n int, env []string, name string, args ...string) *exec.Cmd {
	words := append(launcher[1:len(launcher):len(launcher)], "-n", strconv.Itoa(n), name)
	c := exec.Command(launcher[0], append(words, args...)...)
	c.Env = append(append(os.Environ(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"), env...)
	return c
}
