// Package bench measures the kernels of this machine: against its own best matrix product,
// against the unrolled graph, and against PyTorch, JAX, NEURON, Jaxley, Brian2 and NEST (bench/peers). Whatever is
// compared is timed in the same run in alternating blocks, and only after its numbers were found right.
//
// It imports models and the packages below it, engine, data, the devices, bench/analysis, and bench/rows for its files.
// Command galvani alone imports it.
package bench
