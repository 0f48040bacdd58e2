// Package neurons tests the neurons of models/neurons: cable against what is known in closed form;
// lgmd-looming, lgmd-coherence and lgmd-sag against what the locust does; lgmd-correspondence by what a charged RNN
// makes of a neuron; lgmd-training by what LGMDs learn beside networks.
//
// Only command galvani imports it, for its registration. It imports the frame, models, models/neurons and
// correspond, data, bench/analysis, bench/rows and the devices, and no other claim.
package neurons
