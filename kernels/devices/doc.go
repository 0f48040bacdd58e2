// Package devices opens the places where networks run: the CPU and NVIDIA GPUs, by name.
//
// It is the only package that imports the devices (kernels/cpu, kernels/cuda), but for bench, which
// times the CPU's products, and tests. cmd and bench import it; models and engine are given a device
// and do not.
package devices
