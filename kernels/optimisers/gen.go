//go:build ignore

// Gen writes list.h from the headers of this folder.
package main

import (
	"log"
	"os"

	"galvani/kernels/headers"
	"galvani/kernels/optimisers"
)

func main() {
	names, err := headers.Names(os.DirFS("."))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("list.h", []byte(optimisers.List(names)), 0o644); err != nil {
		log.Fatal(err)
	}
}
