//go:build mpich

package group

// #cgo pkg-config: mpich
import "C"
