// Package rules holds the experiments on learning by rules other than the gradient, in layered networks.
//
// It imports the frame of experiments, what they train with and models/urbanczik; command galvani alone may import it.
package rules
