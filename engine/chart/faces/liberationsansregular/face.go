// Package liberationsansregular is the face of that name.
package liberationsansregular

import "liberation.invalid/original/liberationsansregular"

// TTF is Liberation Sans as a TrueType font.
var TTF = liberationsansregular.TTF
