// Package urbanczik holds the learning of Urbanczik and Senn (2014): a neuron of a soma and a dendrite, whose synapses learn to
// predict on the dendrite what the soma does. Potentials are in units of the distance from rest to threshold, about
// 15 mV, with rest at 0; times are in ms.
//
//	C U' = −g_L U + g_D (V − U) + g_E (E_E − U) + g_I (E_I − U)    soma, spikes at random with intensity φ(U)
//	C V' = −g_L V + Σ_j w_j I_j                                    dendrite, I_j decays with τ_s after a spike of source j
//	V* = g_D V / (g_L + g_D)                                       what the dendrite predicts of the soma
//	τ_Δ Δ' = PI − Δ,  w' = η Δ,  PI = [s − φ(V*)] h(V*) s*_j       s*_j what source j adds to V for a weight of 1
//
// Weights change at spikes of the source alone (Synapse), which read what the neuron has noted meanwhile (Archive). A test holds
// that to the rule in every step.
//
// It imports package kernels/random; the experiments may import it.
package urbanczik
