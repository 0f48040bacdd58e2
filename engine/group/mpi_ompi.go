//go:build mpi && !mpich

package group

// #cgo pkg-config: ompi
import "C"
