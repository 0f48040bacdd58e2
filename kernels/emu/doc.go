// Package emu is the emulated CUDA driver: a shared library for tests on machines without a GPU.
//
// build.sh makes libgalvani_emu.so, which package driver opens instead of libcuda.so.1 where
// GALVANI_CUDA_LIBRARY names it. It keeps device memory on the host and runs the sources of
// kernels/cuda, compiled by g++, one fiber per GPU thread. It judges every load, store and
// barrier of a kernel: what a GPU would take in silence is reported, and fails the launch.
//
// Environment:
//
//	GALVANI_EMU_DEVICE  virtual hardware: count=1,compute=9.0,memory=256MiB,shared=232448,
//	                    sms=4,cluster=8,driver=12.2,name=Emulated GPU
//	GALVANI_EMU_ORDER   order of threads and of pushed data: forward, reverse, random:SEED
//	GALVANI_EMU_FAIL    faults on order, "call:n:code" separated by commas; n counts the calls
//	                    from 1, * is every one: cuMemAlloc_v2:3:2
//	GALVANI_EMU_LOG     file that every report is appended to; not made when all is well
//	GALVANI_EMU_COPIES  file that a line is appended to at the end of a context: how many bytes the process has
//	                    copied from the host to a device so far, and from a device to the host
//
// Its own calls: galvani_emu_leaks() reports and counts what is allocated;
// galvani_emu_fail(text) and galvani_emu_device(text) set at run time what the variables do.
//
// PTX is not interpreted: a module's text says which kernels it has and for which target, and the
// compilation of the sources for that target runs in its place.
//
// No package imports it, and it imports none.
package emu
