// Package chart draws lines over an axis, plain data in, PNG or SVG out.
//
// It imports nothing of the project. Whatever draws may import it: engine, bench and command galvani.
package chart
