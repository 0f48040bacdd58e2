package bench

import (
	"bufio"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models"

	"github.com/BurntSushi/toml"
)

// scripts are the peers in Python.
//
//go:embed peers/*.py
var scripts embed.FS

// peer is a process of peers.py that answers each line of JSON with one.
type peer struct {
	name  string   // e.g. "torch 2.1.0 (mkl)"
	forms []string // in which it has the cells
	dir   string   // scripts and problems
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	place
	high int64 // most bytes of the GPU in use, as of the last timing
}

// request is one line to peers.py: a cell, a product, a cable, a circuit or a network to load, or repeats to make of what was
// loaded last.
type request struct {
	Do      string          `json:"do"` // load, product, cable, circuit, network or time
	File    string          `json:"file,omitempty"`
	Form    string          `json:"form,omitempty"`
	What    string          `json:"what,omitempty"`
	Size    int             `json:"size,omitempty"`
	Repeat  int             `json:"repeat,omitempty"`
	Cable   *cableRequest   `json:"cable,omitempty"`
	Circuit *circuitRequest `json:"circuit,omitempty"`
	Ms      float64         `json:"ms,omitempty"` // of a network
	Network *networkRequest `json:"network,omitempty"`
}

type answer struct {
	Error   string    `json:"error"`
	Name    string    `json:"name"`
	Forms   []string  `json:"forms"`
	Gate    float64   `json:"gate"`
	Seconds []float64 `json:"seconds"`
	Memory  int64     `json:"memory"`
	// Of a cable; null is not a number.
	Traces   [][]*float64 `json:"traces"`
	Gradient []*float64   `json:"gradient"`
	// Of a network: the mean rate of its neurons in Hz, and the seconds that it takes to build and compile.
	Rate  float64 `json:"rate"`
	Build float64 `json:"build"`
}

// place is where a framework computes.
type place struct{ device, precision string }

// onCPU is the place of the peers of `galvani bench cpu`.
var onCPU = place{"cpu", "fp32"}

// frameworks are those that peers.py knows cells of.
var frameworks = []string{"torch", "jax"}

// library is one that peers.py knows a product of.
const library = "numpy"

// openPeer starts a framework.
//
// Errors: with a remedy where Python or the framework is missing.
func openPeer(python, framework string, threads int, at place) (*peer, error) {
	dir, err := os.MkdirTemp("", "galvani-peers-")
	if err != nil {
		return nil, err
	}
	p := &peer{dir: dir, place: at}
	if err := p.start(python, framework, threads); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *peer) start(python, framework string, threads int) error {
	files, err := scripts.ReadDir("peers")
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := scripts.ReadFile("peers/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.dir, f.Name()), text, 0o644); err != nil {
			return err
		}
	}
	p.cmd = exec.Command(python, filepath.Join(p.dir, "peers.py"), "--serve", "--with", framework, "--threads", fmt.Sprint(threads),
		"--device", p.device, "--precision", p.precision)
	p.cmd.Stderr = os.Stderr
	for _, name := range []string{"OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"} { // read at the import of NumPy
		p.cmd.Env = append(p.cmd.Environ(), fmt.Sprintf("%s=%d", name, threads))
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return fmt.Errorf("%w; name a Python with --python", err)
	}
	hello, err := p.read()
	if err != nil {
		return err
	}
	p.name, p.forms = hello.Name, hello.Forms
	return nil
}

// ask sends a request and waits for the answer.
func (p *peer) ask(r request) (answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("bench: %s: %w", p.name, err)
	}
	return p.read()
}

func (p *peer) read() (answer, error) {
	var a answer
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	switch {
	case err != nil:
		return a, fmt.Errorf("bench: peers.py: %w", err)
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// close ends the process and removes its files.
func (p *peer) close() {
	if p.cmd != nil {
		p.in.Close()
		_ = p.cmd.Wait() // it ends with its input; how does not matter any more
	}
	os.RemoveAll(p.dir)
}

// settle is how long the peer's threads are left alone after a block: those of OpenBLAS look for
// work for a tenth of a second more, and would take a core from what is timed next.
const settle = 150 * time.Millisecond

// time makes the run of a contestant of what was loaded last. On a GPU it gives their mean alone.
func (p *peer) time(n int) ([]float64, error) {
	a, err := p.ask(request{Do: "time", Repeat: n})
	time.Sleep(settle)
	want := n
	if p.device != onCPU.device {
		want, p.high = 1, a.Memory
	}
	if err == nil && len(a.Seconds) != want {
		err = fmt.Errorf("bench: peers.py: %d times, want %d", len(a.Seconds), want)
	}
	return a.Seconds, err
}

// product is the peer's own square matrix product on all threads.
func (p *peer) product(n int) contestant {
	return contestant{name: fmt.Sprintf("%s matmul %d", p.name, n), flops: 2 * float64(n) * float64(n) * float64(n),
		run: func(repeat int) ([]float64, error) {
			if _, err := p.ask(request{Do: "product", Size: n}); err != nil {
				return nil, err
			}
			return p.time(repeat)
		}}
}

// cell hands the numbers of a problem to the peer, with states and gradients as the device
// computes them, and returns the peer's forward pass, or forward and backward.
//
// Errors: ErrWrong where the peer finds other states or gradients than its precision allows.
func (p *peer) cell(c Case, q *problem[float32], dev kernels.Device) (contestant, error) {
	path := filepath.Join(p.dir, "problem.safetensors")
	if err := q.dump(path, c.Model, dev); err != nil {
		return contestant{}, err
	}
	a, err := p.ask(request{Do: "load", File: path, Form: c.Peer, What: c.What})
	if err != nil {
		return contestant{}, err
	}
	name := p.name + " " + c.Peer
	if most := gateBounds[p.precision]; !(a.Gate <= most) {
		return contestant{}, fmt.Errorf("bench: %s and %s differ by %.2g, want at most %g: %w", name, dev.Name(), a.Gate, most, ErrWrong)
	}
	x := contestant{name: name, flops: q.flops(c.What != forward), run: p.time}
	if p.device != onCPU.device {
		x.averaged, x.high = true, func() int64 { return p.high }
	}
	return x, nil
}

// dump writes settings, inputs and parameters, and the states and gradients of the device, as
// a safetensors file.
func (q *problem[F]) dump(path, model string, dev kernels.Device) error {
	h, params, err := q.results(dev)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(model, ":")
	e, err := models.Lookup(name)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	settings, err := toml.Marshal(e.New())
	if err != nil {
		return fmt.Errorf("bench: settings of %s: %w", model, err)
	}
	c := q.cfg
	add := func(list []safetensors.Tensor, name string, v []F, shape ...int) []safetensors.Tensor {
		return append(list, safetensors.Float32(name, shape, convert[float32](v)))
	}
	list := add(nil, "x", q.x, c.T, c.B, c.I)
	top := q
	for top.next != nil {
		top = top.next
	}
	list = add(list, "dh", top.dh, c.T, c.B, c.H)
	list = add(list, "h", h, c.T, c.B, c.H)
	for _, p := range params {
		list = add(list, "cell."+p.Name, p.value, p.Shape...)
		if p.Learned {
			list = add(list, "grad.cell."+p.Name, p.grad, p.Shape...)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	err = safetensors.Write(f, list, map[string]string{"model": name, "config": string(settings)})
	return errors.Join(err, f.Close())
}
