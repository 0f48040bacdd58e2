//go:build !unix

package main

import "os"

var polite, closedPipe []os.Signal // this system has no such signals
