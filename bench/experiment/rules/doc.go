// Package rules holds the experiments on learning by rules other than the gradient, in layered networks.
package rules
