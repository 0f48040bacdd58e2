package main

import (
	"fmt"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models"
	"galvani/models/layered"

	"github.com/spf13/cobra"
)

func newModels() *cobra.Command {
	return newGroup("models", "The models: equations, parameters, keys", newModelsList(), newModelsShow())
}

// brief is one line of a list.
type brief struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Source string `json:"source,omitempty"`
}

// briefs returns the lines of entries.
func briefs[E any](all []E, of func(E) brief) []brief {
	list := make([]brief, len(all))
	for i, e := range all {
		list[i] = of(e)
	}
	return list
}

// newList makes the command that lists entries, by their names.
func newList(short string, all func() []brief) *cobra.Command {
	return reporting(&cobra.Command{Use: "list", Short: short, Args: exactArgs()},
		func(*cobra.Command, []string) ([]brief, error) {
			list := all()
			slices.SortFunc(list, func(a, b brief) int { return strings.Compare(a.Name, b.Name) })
			return list, nil
		},
		func(p *printer, list []brief) {
			tabulate(p, list, []string{"NAME", "WHAT"}, func(b brief) []string { return []string{b.Name, b.Doc} })
		})
}

func newModelsList() *cobra.Command {
	return newList("List the models", func() []brief {
		return append(briefs(models.All(), func(e models.Entry) brief { return brief{e.Name, e.Doc, e.Source} }),
			briefs(layered.All(), func(e layered.Entry) brief { return brief{e.Name, e.Doc, e.Source} })...)
	})
}

// keyReport is one key of a cell or a task.
type keyReport struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Default any    `json:"default"`
	Unit    string `json:"unit,omitempty"`
	Range   string `json:"range,omitempty"`
	Doc     string `json:"doc"`
}

func keyReports(owner string, p any) ([]keyReport, error) {
	keys, err := setting.Keys(owner, p)
	list := make([]keyReport, len(keys))
	for i, k := range keys {
		list[i] = keyReport{k.Name, k.Type(), k.Value(), k.Unit, k.Range(), k.Doc}
	}
	return list, err
}

func (p *printer) keys(keys []keyReport) {
	p.title("\nKeys")
	if len(keys) == 0 {
		p.line("none")
		return
	}
	tabulate(p, keys, []string{"KEY", "TYPE", "DEFAULT", "UNIT", "RANGE", "WHAT"}, func(k keyReport) []string {
		return []string{k.Name, k.Type, asFlag(k.Default), dash(k.Unit), dash(k.Range), k.Doc}
	})
}

// asFlag writes a value as its flag takes it: lists with commas.
func asFlag(v any) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// modelReport is what models show tells.
type modelReport struct {
	brief
	Equations string        `json:"equations"`
	Dims      models.Dims   `json:"dims"`
	Params    []paramReport `json:"params"`
	Count     int           `json:"learned_parameters"`
	State     []planeReport `json:"state"`
	Notes     []string      `json:"notes"`  // of the cell, then of all cells
	Wiring    []string      `json:"wiring"` // what the keys of Dale's law and masks mean; absent where the cell takes none
	Keys      []keyReport   `json:"keys"`
}

// planeReport is one plane of the state.
type planeReport struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Start float64 `json:"start"` // of every sequence
	Doc   string  `json:"doc"`
}

// paramReport is one row of a parameter table.
type paramReport struct {
	Name    string `json:"name"`
	Letters string `json:"letters"`
	Shape   []int  `json:"shape"`
	Unit    string `json:"unit"`
	Init    string `json:"init"`
	Bound   string `json:"bound"`
	Learned bool   `json:"learned"`
	Doc     string `json:"doc"`
}

func newModelsShow() *cobra.Command {
	d, layers, sizes := models.Dims{}, 1, []int{64}
	c := reporting(&cobra.Command{Use: "show NAME", Short: "Show a model: source, parameter table, keys",
		Args: exactArgs("NAME"), ValidArgsFunction: completeNames(modelNames)},
		func(_ *cobra.Command, args []string) (r modelReport, err error) {
			e, err := lookupModel(args[0])
			if err != nil {
				return r, err
			}
			if len(sizes) == 0 {
				return r, fmt.Errorf("%w: --hidden is empty, want the number of hidden units", config.ErrConfig)
			}
			d.H = sizes[0]
			return describeModel(e, d, layers, sizes)
		}, (*printer).model)
	c.Flags().IntVar(&d.I, "inputs", 28, "number I of inputs that the shapes are shown for")
	c.Flags().IntSliceVar(&sizes, "hidden", sizes, "number H of hidden units; several for layers of different sizes")
	c.Flags().IntVar(&d.O, "outputs", 10, "number O of outputs")
	c.Flags().IntVar(&layers, "layers", layers, "number of layers")
	return c
}

// checkSizes refuses sizes that no network of train has, before anything is made of them.
func checkSizes(d models.Dims, layers int, sizes []int) error {
	size := defaultCellKeys()
	if size.Layers = layers; sizes != nil {
		size.Hidden = sizes
	}
	if err := setting.Check(&size); err != nil {
		return fmt.Errorf("%w: --%w", config.ErrConfig, err)
	}
	for name, n := range map[string]int{"inputs": d.I, "outputs": d.O} {
		if n > mostInputs {
			return fmt.Errorf("%w: --%s is %d, want 1 to %d", config.ErrConfig, name, n, mostInputs)
		}
	}
	return nil
}

// mostInputs bounds the inputs and the outputs of a network that is shown or checked.
const mostInputs = 1 << 20

func describeModel(e models.Entry, d models.Dims, layers int, sizes []int) (modelReport, error) {
	r := modelReport{brief: brief{e.Name, e.Doc, e.Source}, Equations: e.Equations, Dims: d}
	if e.New == nil {
		return describeLayered(e, r)
	}
	if err := checkSizes(d, layers, sizes); err != nil {
		return r, err
	}
	cell := e.New()
	var err error
	if r.Keys, err = keyReports("model "+e.Name, cell); err != nil {
		return r, err
	}
	net, err := models.Bind(e.Name, cell, d, models.Layers(layers), models.Sizes(sizes...))
	if err != nil {
		return r, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	r.table(net.Specs())
	planes, err := e.Planes()
	if err != nil {
		return r, err
	}
	for i, start := range net.Rest() {
		plane, layer := planes[i%len(planes)], i/len(planes)
		if layer < net.Depth()-1 { // h of the last layer is what the read-out sees
			plane.Name = fmt.Sprintf("%s_l%d", plane.Name, layer)
		}
		r.State = append(r.State, planeReport{plane.Name, plane.Unit, start, plane.Doc})
	}
	_, scale, _ := models.NoiseScale(cell)
	r.Notes = slices.Concat(e.Notes, []string{"rec_noise and input_noise are scaled by: " + scale + "."}, models.Conventions)
	if slices.ContainsFunc(net.Specs(), func(s kernels.Spec) bool { return s.Role == kernels.Rec }) {
		r.Wiring = models.WiringNotes
	}
	return r, nil
}

// describeLayered tells of a layered network.
func describeLayered(e models.Entry, r modelReport) (modelReport, error) {
	own, err := layered.Lookup(e.Name)
	if err != nil {
		return r, err
	}
	m := own.New()
	if r.Keys, err = keyReports("model "+e.Name, m); err != nil {
		return r, err
	}
	*m.Layers() = []int{r.Dims.H, r.Dims.H}
	net, err := m.Bind(e.Name, r.Dims.I, r.Dims.O)
	if err != nil {
		return r, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	r.table(net.Specs())
	r.Notes = slices.Concat(e.Notes, []string{"Matrices are W[post,pre]: row i is what unit i receives.", "The shapes are shown for two hidden layers of H units."})
	return r, nil
}

// table adds rows of a parameter table.
func (r *modelReport) table(specs []kernels.Spec) {
	for _, s := range specs {
		r.Params = append(r.Params, paramReport{s.Name, s.Letters, s.Shape, s.Unit, initText(s.Init), boundText(s.Bound), s.Learned, s.Doc})
		if s.Learned {
			r.Count += s.Len()
		}
	}
}

func (p *printer) model(r modelReport) {
	p.equations(r.Name, r.Doc, r.Equations)
	p.line("Source: %s", dash(r.Source))
	p.title("\nParameters for I=%d H=%d O=%d (%d learned)", r.Dims.I, r.Dims.H, r.Dims.O, r.Count)
	tabulate(p, r.Params, []string{"NAME", "LETTERS", "SHAPE", "UNIT", "INIT", "BOUND", "", "WHAT"}, func(s paramReport) []string {
		learned := "fixed"
		if s.Learned {
			learned = "learned"
		}
		return []string{s.Name, "[" + s.Letters + "]", fmt.Sprint(s.Shape), s.Unit, s.Init, s.Bound, learned, s.Doc}
	})
	if len(r.State) > 0 {
		p.title("\nState")
		tabulate(p, r.State, []string{"PLANE", "UNIT", "START", "WHAT"}, func(s planeReport) []string {
			return []string{s.Name, s.Unit, fmt.Sprintf("%.4g", s.Start), s.Doc}
		})
	}
	p.keys(r.Keys)
	p.notes("Conventions", r.Notes)
	p.notes("Dale's law and masks", r.Wiring)
}

// initText writes an initialiser as a reader of papers would.
func initText(i kernels.Init) string {
	switch i.Kind {
	case kernels.Constant:
		return fmt.Sprintf("%g", i.A)
	case kernels.Uniform:
		return fmt.Sprintf("U(%.4g, %.4g)", i.A, i.B)
	case kernels.Normal:
		return fmt.Sprintf("N(%g, %g)", i.A, i.B)
	case kernels.XavierUniform:
		return fmt.Sprintf("%.4g·Xavier", i.A)
	case kernels.Orthogonal:
		return fmt.Sprintf("%g·orthogonal", i.A)
	case kernels.Identity:
		return fmt.Sprintf("%g·identity", i.A)
	case kernels.PerPlane:
		return fmt.Sprintf("%v by plane", i.Values)
	case kernels.PlaneNormal:
		return fmt.Sprintf("N(%v by plane, %g)", i.Values, i.B)
	}
	return fmt.Sprintf("initialiser %d", i.Kind)
}

func boundText(b kernels.Bound) string {
	if b.IsFree() {
		return "free"
	}
	return strings.ReplaceAll(fmt.Sprintf("[%g, %g]", b.Lo, b.Hi), "Inf", "∞")
}

// modelNames are the models of both kinds: recurrent cells and layered networks.
func modelNames() []string {
	return slices.Sorted(slices.Values(slices.Concat(models.Names(), layered.Names())))
}

// lookupModel finds a model. That of a layered network has no cell to make (New is nil).
func lookupModel(name string) (models.Entry, error) {
	if e, err := models.Lookup(name); err == nil {
		return e, nil
	}
	if e, err := layered.Lookup(name); err == nil {
		return models.Entry{Name: e.Name, Doc: e.Doc, Source: e.Source, References: e.References, Equations: e.Equations, Notes: e.Notes}, nil
	}
	return models.Entry{}, fmt.Errorf("%w: %s", config.ErrConfig, setting.Unknown("model", name, modelNames()))
}

// lookupCell finds a model of recurrent cells.
func lookupCell(name string) (models.Entry, error) {
	e, err := lookupModel(name)
	if err == nil && e.New == nil {
		return e, fmt.Errorf("%w: model %s is no recurrent cell, want one of %s", config.ErrConfig, name, strings.Join(models.Names(), ", "))
	}
	return e, err
}
