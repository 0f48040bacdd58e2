# Galvani: every task of a developer. `make` alone says what there is.

FUZZTIME ?= 30s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.DEFAULT_GOAL := help
.PHONY: help build test race fuzz lint bench ci clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## make bin/galvani
	go build -o bin/galvani ./cmd/galvani

test: ## run every test
	go test ./...

race: ## run the tests under the race detector
	go test -race ./...

fuzz: ## fuzz each parser for FUZZTIME (default 30s)
	@go list ./... | while read -r pkg; do \
		go test -list '^Fuzz' $$pkg | grep '^Fuzz' | while read -r target; do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg < /dev/null || exit 1; \
		done || exit 1; \
	done

lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run: gofmt -w ."; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

bench: build ## measure the CPU kernels; rows go to bench/results
	bin/galvani bench cpu --out bench/results/cpu.jsonl

ci: ## run what continuous integration runs
	.ci/run

clean: ## remove what was built
	rm -rf bin
