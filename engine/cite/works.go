package cite

// LSTM introduced the long short-term memory and the adding problem.
var LSTM = Work{Key: "hochreiter1997long", Kind: "article", Authors: "Hochreiter, Sepp and Schmidhuber, Jürgen", Title: "Long Short-Term Memory",
	In: "Neural Computation", Volume: "9", Number: "8", Pages: "1735-1780", Year: 1997, DOI: "10.1162/neco.1997.9.8.1735"}

// IRNN introduced rectified units that start at the identity, and digits as sequences of pixels.
var IRNN = Work{Key: "le2015simple", Kind: "misc", Authors: "Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.",
	Title: "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", Year: 2015, ArXiv: "1504.00941"}
