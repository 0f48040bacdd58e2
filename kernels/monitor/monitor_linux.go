//go:build cgo

package monitor

// #cgo LDFLAGS: -Wl,--wrap=pthread_create
import "C"
