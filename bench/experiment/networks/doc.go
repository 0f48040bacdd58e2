// Package networks is the experiments on networks of spiking neurons: their rates, inputs and covariances beside those of
// their sources (claims, which are data), and what plasticity makes of weights and rates. They run the
// built-in networks of package circuits on the CPU, with the same spikes on any number of threads.
//
// It imports the frame of experiments, bench/analysis, bench/rows, circuits, rates and the devices; command galvani alone may import it.
package networks
