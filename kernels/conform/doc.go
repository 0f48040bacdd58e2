// Package conform is the conformance suite of devices: it holds scans, affine maps, weights, losses,
// updates, device memory and circuits of any kernels.Device to the contract, to central differences and to
// another device, and the updates of package engine in host memory to the same contract.
// The package of a device calls each part in a test of its own:
//
//	func TestAdjoint(t *testing.T) { conform.Adjoint(t, open(t)) }
//
// Only tests import it. It imports the contract (kernels), the lists of headers (kernels/cells,
// kernels/neurons, kernels/optimisers), kernels/random and kernels/sparse.
package conform
