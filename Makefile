# Galvani: every task of a developer. `make` builds the program, `make help` says what there is.

FUZZTIME ?= 30s
# The MPI library of `make mpi`: mpi for Open MPI, or mpich.
MPI ?= mpi
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

# With the same flags everywhere the C kernels, which take minutes, are compiled once.
export GOFLAGS ?= -trimpath
# Of a program that users get, symbols are left out (a third of its size), and in modules that it
# calls rarely functions are not copied into their callers (2 MB of 40).
SELDOM := google.golang.org github.com codeberg.org golang.org gonum.org gorgonia.org \
	net crypto vendor mime math/big text html image encoding fmt go \
	galvani/cmd galvani/bench
RELEASE := -ldflags="-s -w" $(SELDOM:%=-gcflags=%/...=-l) $(patsubst %,-gcflags=github.com/%/...=,klauspost chewxy)

# What the tag gpu needs to compile and link without CUDA toolkit and driver: the project's own
# declarations and its stand-in for libcuda, both found before any that the machine has.
GPU_DIR := $(CURDIR)/build/gpu
# -count=1: what the C library reads of the environment is unknown to Go's cache of tests.
EMULATED = $(GPU_ENV) GALVANI_CUDA_LIBRARY=$(GPU_DIR)/libgalvani_emu.so
GPU_ENV := CGO_ENABLED=1 CGO_CFLAGS="-O2 -g -I$(CURDIR)/kernels/driver/include" CGO_LDFLAGS="-O2 -g -L$(GPU_DIR)"

.DEFAULT_GOAL := build
.PHONY: help build mpi cpu driver emu ptx test gpu-test gpu-test-kernels gpu-test-reverse gpu-test-rest gpu-test-mpi slurm-test gpu-check race fuzz lint bench ci clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: driver ## make bin/galvani, which uses an NVIDIA GPU where there is one
	$(GPU_ENV) go build $(RELEASE) -tags gpu -o bin/galvani ./cmd/galvani

mpi: driver ## make bin/galvani with MPI, to be started by mpirun or srun; MPI=mpich for MPICH
	@pkg-config --exists $(if $(filter mpich,$(MPI)),mpich,ompi) || { echo "no $(if $(filter mpich,$(MPI)),MPICH,Open MPI) is found by pkg-config; install it, on Debian and Ubuntu with: apt-get install $(if $(filter mpich,$(MPI)),libmpich-dev mpich,libopenmpi-dev openmpi-bin)"; exit 1; }
	$(GPU_ENV) go build $(RELEASE) -tags gpu,$(MPI) -o bin/galvani ./cmd/galvani

cpu: ## make bin/galvani without the GPU part
	go build $(RELEASE) -o bin/galvani ./cmd/galvani

driver: $(GPU_DIR)/libcuda.a
$(GPU_DIR)/libcuda.a: $(wildcard kernels/driver/stub/* kernels/driver/include/*)
	kernels/driver/stub/build.sh $(GPU_DIR)

emu: $(GPU_DIR)/libgalvani_emu.so
$(GPU_DIR)/libgalvani_emu.so: $(wildcard kernels/emu/* kernels/emu/src/* kernels/cuda/*.h kernels/cuda/*.cu kernels/cells/*.h kernels/cells/shared/*.h kernels/neurons/*.h kernels/neurons/shared/*.h kernels/random/*.h kernels/wiring/*.h kernels/compartments/*.h kernels/programs/*.h kernels/ptx/manifest.json)
	kernels/emu/build.sh $(GPU_DIR)

ptx: ## compile the CUDA kernels to kernels/ptx
	kernels/ptx/build.sh

test: ## run every test
	go test ./...

gpu-test: gpu-test-kernels gpu-test-reverse gpu-test-rest ## run the tests of the GPU path on the emulated driver; with -j2 two parts at once

gpu-test-kernels: driver emu
	rm -f $(GPU_DIR)/$@.log
	$(EMULATED) GALVANI_EMU_LOG=$(GPU_DIR)/$@.log go test -count=1 -tags gpu -skip '^TestLatency$$' ./kernels/cuda ./kernels/devices
	@! cat $(GPU_DIR)/$@.log 2> /dev/null # leaks, too, are reported there

gpu-test-reverse: driver emu # threads in the other order, of what orders them
	rm -f $(GPU_DIR)/$@.log
	$(EMULATED) GALVANI_EMU_LOG=$(GPU_DIR)/$@.log GALVANI_EMU_ORDER=reverse go test -count=1 -short -tags gpu -run '^Test(Conforms|Layouts|Segments|Circuit|Neuron)$$' ./kernels/cuda
	@! cat $(GPU_DIR)/$@.log 2> /dev/null

gpu-test-mpi: driver emu # ranks on emulated GPUs, for which Open MPI is needed
	$(EMULATED) go test -count=1 -tags gpu,mpi -run '^TestMPIGPU' ./cmd/galvani

gpu-test-rest: driver emu
	$(EMULATED) go test -count=1 -tags gpu -run '^TestLatency$$' ./kernels/cuda # which asks for clusters that are refused
	$(EMULATED) go test -count=1 -tags gpu ./kernels/driver
	$(EMULATED) go test -count=1 -tags gpu -run GPU ./bench ./cmd/galvani

slurm-test: mpi ## run docker/slurm/train.sbatch on two Slurm nodes that this machine plays (as root)
	docker/slurm/rig.sh bin/galvani

GPU_CHECK := build/gpu-check
gpu-check: driver ## put what checks a GPU into build/gpu-check(.tgz), to be copied to its machine
	rm -rf $(GPU_CHECK)
	mkdir -p $(GPU_CHECK)
	cp bench/gpucheck/run.sh $(GPU_CHECK)
	$(GPU_ENV) go build $(RELEASE) -tags gpu -o $(GPU_CHECK)/galvani ./cmd/galvani
	$(GPU_ENV) go test -c $(RELEASE) -tags gpu -o $(GPU_CHECK)/kernels.test ./kernels/cuda
	$(GPU_ENV) go test -c $(RELEASE) -tags gpu -o $(GPU_CHECK)/galvani.test ./cmd/galvani
	tar -czf $(GPU_CHECK).tgz -C $(dir $(GPU_CHECK)) $(notdir $(GPU_CHECK))
	@echo "copy $(GPU_CHECK).tgz to a machine with an NVIDIA GPU, unpack it and start gpu-check/run.sh there"

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
	rm -rf bin build
