package models

import (
	"errors"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// states are a layer on a graph.
type states struct {
	all   *gorgonia.Node   // h, [T·B,H], or [B,H] of the last step
	steps []*gorgonia.Node // h of each step, [B,H]; nil from a scan
	kernels.Layer
}

// scanned is the layer that a scan computes. It implements kernels.Stateful.
type scanned struct {
	planes []kernels.Plane
	shown  int
	plan   kernels.ScanPlan
}

func (s scanned) Planes() []kernels.Plane        { return s.planes }
func (s scanned) Shown() int                     { return s.shown }
func (s scanned) H() (gorgonia.Value, error)     { return ran(s.plan.H()) }
func (s scanned) Final() (gorgonia.Value, error) { return ran(s.plan.Final()) }

// graded is a scanned layer that keeps the gradients of its steps. It implements kernels.Graded.
type graded struct{ scanned }

func (g graded) GradH() (gorgonia.Value, error) { return ran(g.plan.GradH()) }

// unrolled is a layer whose steps are nodes of the graph. It implements kernels.Unrolled.
type unrolled struct {
	planes               []kernels.Plane
	shown                int
	h, final             func() (gorgonia.Value, error)
	steps, before, after []*gorgonia.Node
}

func (u unrolled) Planes() []kernels.Plane                { return u.planes }
func (u unrolled) Shown() int                             { return u.shown }
func (u unrolled) H() (gorgonia.Value, error)             { return u.h() }
func (u unrolled) Final() (gorgonia.Value, error)         { return u.final() }
func (u unrolled) Steps() []*gorgonia.Node                { return u.steps }
func (u unrolled) Ends() (before, after []*gorgonia.Node) { return u.before, u.after }

// ran returns a value of the last run.
func ran(v gorgonia.Value) (gorgonia.Value, error) {
	if v == nil {
		return nil, errors.New("models: the network has not run yet")
	}
	return v, nil
}
