// Package liberationmonobolditalic stands for a face that no chart uses.
package liberationmonobolditalic

import "liberation.invalid/original/liberationsansregular"

// TTF is Liberation Sans as a TrueType font.
var TTF = liberationsansregular.TTF
