// Package liberationsansbold is the face of that name.
package liberationsansbold

import "liberation.invalid/original/liberationsansbold"

// TTF is Liberation Sans Bold as a TrueType font.
var TTF = liberationsansbold.TTF
