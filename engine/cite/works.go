package cite

// LSTM introduced the long short-term memory and the adding problem.
var LSTM = Work{Key: "hochreiter1997long", Kind: "article", Authors: "Hochreiter, Sepp and Schmidhuber, Jürgen", Title: "Long Short-Term Memory",
	In: "Neural Computation", Volume: "9", Number: "8", Pages: "1735-1780", Year: 1997, DOI: "10.1162/neco.1997.9.8.1735"}

// IRNN introduced rectified units that start at the identity, and digits as sequences of pixels.
var IRNN = Work{Key: "le2015simple", Kind: "misc", Authors: "Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.",
	Title: "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", Year: 2015, ArXiv: "1504.00941"}

// SignSymmetry found that the signs of the weights are what the way back needs.
var SignSymmetry = Work{Key: "liao2016how", Kind: "inproceedings", Authors: "Liao, Qianli and Leibo, Joel Z. and Poggio, Tomaso",
	Title: "How Important Is Weight Symmetry in Backpropagation?",
	In:    "Proceedings of the Thirtieth AAAI Conference on Artificial Intelligence", Pages: "1837-1844", Year: 2016, ArXiv: "1510.05067"}

// FeedbackAlignment introduced fixed random weights on the way back.
var FeedbackAlignment = Work{Key: "lillicrap2016random", Kind: "article", Authors: "Lillicrap, Timothy P. and Cownden, Daniel and Tweed, Douglas B. and Akerman, Colin J.",
	Title: "Random Synaptic Feedback Weights Support Error Backpropagation for Deep Learning",
	In:    "Nature Communications", Volume: "7", Pages: "13276", Year: 2016, DOI: "10.1038/ncomms13276"}

// LatentEquilibrium made slow neurons respond at once by looking ahead.
var LatentEquilibrium = Work{Key: "haider2021latent", Kind: "inproceedings",
	Authors: "Haider, Paul and Ellenberger, Benjamin and Kriener, Laura and Jordan, Jakob and Senn, Walter and Petrovici, Mihai A.",
	Title:   "Latent Equilibrium: A Unified Learning Theory for Arbitrarily Fast Computation with Arbitrarily Slow Neurons",
	In:      "Advances in Neural Information Processing Systems", Volume: "34", Year: 2021, ArXiv: "2110.14549"}

// GeneralisedEquilibrium learns through time by neurons that look ahead less far than they lag.
var GeneralisedEquilibrium = Work{Key: "ellenberger2024backpropagation", Kind: "misc",
	Authors: "Ellenberger, Benjamin and Haider, Paul and Jordan, Jakob and Max, Kevin and Jaras, Ismael and Kriener, Laura and Benitez, Federico and Petrovici, Mihai A.",
	Title:   "Backpropagation through Space, Time, and the Brain", Year: 2024, ArXiv: "2403.16933"}

// Microcircuits are cortical circuits whose dendrites carry errors.
var Microcircuits = Work{Key: "sacramento2018dendritic", Kind: "inproceedings",
	Authors: "Sacramento, João and Costa, Rui Ponte and Bengio, Yoshua and Senn, Walter",
	Title:   "Dendritic Cortical Microcircuits Approximate the Backpropagation Algorithm",
	In:      "Advances in Neural Information Processing Systems", Volume: "31", Year: 2018, ArXiv: "1810.11393"}

// PredictiveCoding learns by the errors of predictions, which approximates backpropagation.
var PredictiveCoding = Work{Key: "whittington2017approximation", Kind: "article", Authors: "Whittington, James C. R. and Bogacz, Rafal",
	Title: "An Approximation of the Error Backpropagation Algorithm in a Predictive Coding Network with Local Hebbian Synaptic Plasticity",
	In:    "Neural Computation", Volume: "29", Number: "5", Pages: "1229-1262", Year: 2017, DOI: "10.1162/NECO_a_00949"}

// LGMD describes the channels of the locust's LGMD, and stimuli whose parts are scattered.
var LGMD = Work{Key: "dewell2018biophysics", Kind: "article", Authors: "Dewell, Richard B. and Gabbiani, Fabrizio",
	Title: "Biophysics of object segmentation in a collision-detecting neuron",
	In:    "eLife", Volume: "7", Pages: "e34238", Year: 2018, DOI: "10.7554/eLife.34238"}
