package main

import (
	"errors"
	"fmt"
	"regexp"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels"
)

// place is where and how a run computes.
type place struct {
	dev     kernels.Device // nil for the unrolled graph
	device  string
	backend string // graph or scan
	why     string // one line, empty where nothing had to be chosen
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

var deviceNames = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,3})?)$`)

const noCUDA = "this build has no CUDA yet"

// choosePlace opens the device that the keys device, backend and threads ask for. What is
// asked for by name and is missing is an error; auto takes the best there is and says why.
func choosePlace(r runKeys) (place, error) {
	if !deviceNames.MatchString(r.Device) {
		return place{}, fmt.Errorf(`%w: key "device" is %q, want auto, cpu, cuda or cuda:n`, config.ErrConfig, r.Device)
	}
	if r.Device != "auto" && r.Device != "cpu" {
		return place{}, fmt.Errorf("%w: %s; use --device cpu", kernels.ErrNoDevice, noCUDA)
	}
	graph := place{device: "cpu", backend: "graph"}
	if r.Backend == "graph" {
		return graph, nil
	}
	dev, err := kernels.OpenCPU(r.Threads)
	switch {
	case err == nil:
		p := place{dev: dev, device: dev.Name(), backend: "scan"}
		if r.Device == "auto" {
			p.why = noCUDA
		}
		return p, nil
	case r.Backend == "scan":
		return place{}, fmt.Errorf("%w; build with gcc and CGO_ENABLED=1, or use --backend graph", err)
	case errors.Is(err, kernels.ErrNoDevice):
		graph.why = err.Error()
		return graph, nil
	}
	return place{}, err
}
