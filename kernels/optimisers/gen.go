//go:build ignore

// Gen writes list.h from the headers of this folder.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"

	"galvani/kernels/optimisers"
)

func main() {
	headers, err := filepath.Glob("*.h")
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	for _, h := range headers {
		if h != "list.h" {
			names = append(names, strings.TrimSuffix(h, ".h"))
		}
	}
	if err := os.WriteFile("list.h", []byte(optimisers.List(names)), 0o644); err != nil {
		log.Fatal(err)
	}
}
