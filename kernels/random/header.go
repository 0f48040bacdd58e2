package random

import _ "embed" // for the headers

// Header is random.h; importing it makes Go compile again what includes the file, when that changes.
//
//go:embed random.h
var Header string

// NormalHeader is normal.h, likewise.
//
//go:embed normal.h
var NormalHeader string

// DrawsHeader is draws.h, likewise.
//
//go:embed draws.h
var DrawsHeader string
