// Package rules holds the experiments on learning by rules other than the gradient, in layered networks.
//
// It imports the frame of experiments and what they train with; command galvani alone may import it.
package rules
