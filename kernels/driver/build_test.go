package driver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// needC ends tests that compile C where that is not possible.
func needC(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the stand-in for libcuda is for Linux")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
}

// gcc compiles with the project's declarations of CUDA.
func gcc(args ...string) error {
	cmd := exec.Command("gcc", append([]string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-Iinclude"}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// buildFake compiles the driver of testdata/fake.c into dir and returns its path.
func buildFake(dir string, args ...string) (string, error) {
	lib := filepath.Join(dir, "libfake.so")
	return lib, gcc(append([]string{"-shared", "-fPIC", "-o", lib, "testdata/fake.c"}, args...)...)
}
