// Package ptx holds the compiled CUDA kernels: as machine code for some GPUs, and as PTX, which the
// driver translates for all others.
//
// build.sh makes the archives, one for the cells in each number format of products and one for what all
// share, from kernels/cuda and kernels/cells; manifest.json says from which sources and with which
// compiler, and the tests of this package compare. An archive is unpacked when a module of it is asked
// for. Machine code runs on GPUs of its major compute capability from its minor one
// on, PTX on every newer GPU.
//
// It imports nothing of the project; kernels/cuda alone imports it.
package ptx
