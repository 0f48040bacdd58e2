package main

import (
	"errors"
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels"
	"galvani/kernels/devices"
)

// place is where and how a run computes.
type place struct {
	dev     kernels.Device // nil for the unrolled graph
	device  string
	backend string // graph or scan
	why     string // one line, empty where nothing had to be chosen
	auto    bool   // a GPU that was not asked for by name
}

// close releases the device.
func (p place) close() error {
	if p.dev == nil {
		return nil
	}
	return p.dev.Close()
}

func (p place) String() string {
	s := p.device + ", backend " + p.backend
	if p.why != "" {
		s += " (" + p.why + ")"
	}
	return s
}

// chooseKernels is choosePlace for what no graph computes.
//
// Errors: those of choosePlace, kernels.ErrNoDevice where there is only the graph.
func chooseKernels(r runKeys, near locality) (place, error) {
	p, err := choosePlace(r, near)
	if err == nil && p.dev == nil {
		err = fmt.Errorf("%w: %s", kernels.ErrNoDevice, p.why)
	}
	return p, err
}

// choosePlace opens the device that the keys device, backend, precision and threads ask for.
// What is asked for by name and is missing is an error; auto takes the best there is and says
// why.
func choosePlace(r runKeys, near locality) (place, error) {
	if !devices.Known(r.Device) {
		return place{}, fmt.Errorf(`%w: key "device" is %q, want auto, cpu, cuda or cuda:n`, config.ErrConfig, r.Device)
	}
	if r.Device == "cpu" || r.Backend == "graph" && r.Device == "auto" {
		return cpuPlace(r, near, "")
	}
	if r.Backend == "graph" {
		return place{}, fmt.Errorf(`%w: key "backend" is graph, which computes on the CPU; leave out --device %s`, config.ErrConfig, r.Device)
	}
	p, err := cudaPlace(r, near)
	switch {
	case err == nil:
		return p, nil
	case r.Device != "auto":
		return place{}, fmt.Errorf("%w; use --device cpu", err)
	case devices.GivesWay(err) && r.Precision == "tf32":
		return place{}, fmt.Errorf("%w: %s, and the CPU has no %s; use --precision fp32", kernels.ErrNoDevice, reason(err), r.Precision)
	case errors.Is(err, kernels.ErrNoDevice):
		return cpuPlace(r, near, noGPUHere)
	case devices.GivesWay(err):
		return cpuPlace(r, near, reason(err))
	}
	return place{}, err
}

// noGPUHere is said at every start of those who have no GPU; the reason is under devices.
const noGPUHere = "no usable GPU, see: galvani devices"

// mostThreads is the most threads that may be asked for.
const mostThreads = 1024

// checkThreads refuses a number of threads by an error of some kind.
func checkThreads(kind error, n int) error {
	if n < 0 || n > mostThreads {
		return fmt.Errorf("%w: --threads is %d, want 0 to %d", kind, n, mostThreads)
	}
	return nil
}

// reason is an error of the kernels as part of a sentence.
func reason(err error) string {
	s := message(err)
	for _, room := range []string{"kernels: ", "driver: ", "cuda: "} {
		s = strings.TrimPrefix(s, room)
	}
	return s
}

// cudaPlace opens the GPU that is asked for, the first with auto.
func cudaPlace(r runKeys, near locality) (place, error) {
	name := r.Device
	if name == "auto" {
		name = near.gpu()
	}
	dev, err := devices.Open(name, devices.Options{Precision: r.Precision})
	if err != nil {
		return place{}, err
	}
	p := place{dev: dev, device: dev.Name(), backend: "scan", auto: r.Device == "auto"}
	if p.auto {
		p.why = near.why()
	}
	return p, nil
}

// cpuPlace opens the CPU; why says why it is not a GPU.
func cpuPlace(r runKeys, near locality, why string) (place, error) {
	graph := place{device: "cpu", backend: "graph", why: why}
	switch {
	case r.Precision == "tf32":
		return place{}, fmt.Errorf(`%w: key "precision" is %s, which only a GPU has; the CPU computes in fp32, or bf16`, config.ErrConfig, r.Precision)
	case r.Backend == "graph" && r.Precision != "fp32":
		return place{}, fmt.Errorf(`%w: key "precision" is %s, and the unrolled graph computes in fp32; leave out --precision or --backend`, config.ErrConfig, r.Precision)
	case r.Backend == "graph":
		return graph, nil
	}
	if err := checkThreads(config.ErrConfig, r.Threads); err != nil {
		return place{}, err
	}
	dev, err := devices.Open("cpu", devices.Options{Threads: near.threads(r.Threads), Precision: r.Precision})
	switch {
	case err == nil:
		return place{dev: dev, device: dev.Name(), backend: "scan", why: why}, nil
	case r.Precision != "fp32":
		return place{}, fmt.Errorf("%w; use --precision fp32", err)
	case r.Backend == "scan":
		return place{}, fmt.Errorf("%w; build with gcc and CGO_ENABLED=1, or use --backend graph", err)
	case errors.Is(err, kernels.ErrNoDevice):
		graph.why = reason(err)
		if why != "" {
			graph.why = why + "; " + graph.why
		}
		return graph, nil
	}
	return place{}, err
}
