//go:build cgo

package monitor

import "C" // so that slack_linux.c is compiled
