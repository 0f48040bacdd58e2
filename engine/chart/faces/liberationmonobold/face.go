// Package liberationmonobold stands for a face that no chart uses.
package liberationmonobold

import "liberation.invalid/original/liberationsansregular"

// TTF is Liberation Sans as a TrueType font.
var TTF = liberationsansregular.TTF
