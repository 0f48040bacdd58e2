package compartments

import "embed"

// Headers is the source of a step, which devices compile.
//
//go:embed *.h
var Headers embed.FS
