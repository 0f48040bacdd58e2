// Package driver speaks to NVIDIA GPUs through the CUDA driver: it lists them, and runs queued
// work on one of them.
//
// It is built with the tag gpu only, on top of gorgonia.org/cu, with thin cgo for what cu does
// not have: launches without allocation, clusters, dynamic shared memory above 48 KB, pinned
// memory. Without the tag it is empty.
//
// # The stand-in for libcuda
//
// A plain build of cu needs the header cuda.h to compile, libcuda to link and to start, and ends
// the process where no driver is found. Therefore the project ships its own:
//
//	include/cuda.h, cuda_calls.h, cuda_codes.h   the binary interface, declared here
//	stub/stub.c                                  a function for each driver function
//	stub/build.sh DIR                            makes DIR/libcuda.a of it
//
// With CGO_CFLAGS=-I<include> and CGO_LDFLAGS=-L<DIR> both are found before those of an
// installed toolkit, because the go command puts these flags before the ones of cu; the build
// fails if they are not. The program then has no dependency on libcuda and starts anywhere. At
// the first question about GPUs it loads the library that the environment variable
// GALVANI_CUDA_LIBRARY names, or else libcuda.so.1. What goes wrong there is told by Devices.
//
// The go command does not see changes of these C files: after one, build with -a.
//
// It imports nothing of the project; kernels/cuda and kernels/devices alone import it.
package driver
