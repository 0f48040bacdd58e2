//go:build cgo

package cpu

import "galvani/kernels"

// roles are the parameters of a run as the C scan reads them: those of one role behind each other
// in the order of the header. In is [P·H,I], rec [G·H,H], vec [V,H], edge [E].
type roles[F kernels.Float] struct {
	in, rec []F
	vec     []float64
	edge    []F
}

func newRoles[F kernels.Float](c kernels.ScanConfig) roles[F] {
	var n [kernels.Roles]int
	for _, p := range c.Params {
		n[p.Role] += p.Len()
	}
	return roles[F]{in: make([]F, n[kernels.In]), rec: make([]F, n[kernels.Rec]),
		vec: make([]float64, n[kernels.Vec]), edge: make([]F, n[kernels.Edge])}
}

// gather fills r from the values of a run.
func (r *roles[F]) gather(c kernels.ScanConfig, params [][]F) {
	var at [kernels.Roles]int
	for i, p := range c.Params {
		v, k := params[i], at[p.Role]
		at[p.Role] += len(v)
		switch p.Role {
		case kernels.In:
			copy(r.in[k:], v)
		case kernels.Rec:
			copy(r.rec[k:], v)
		case kernels.Edge:
			copy(r.edge[k:], v)
		case kernels.Vec:
			for j, x := range v {
				r.vec[k+j] = float64(x)
			}
		}
	}
}

// scatter packs the gradients of learned parameters behind each other.
func (g *grads[F]) scatter(c kernels.ScanConfig, out []F) {
	var at [kernels.Roles]int
	for _, p := range c.Params {
		k, n := at[p.Role], p.Len()
		at[p.Role] += n
		if !p.Learned {
			continue
		}
		switch p.Role {
		case kernels.In:
			copy(out, g.in[k:k+n])
		case kernels.Rec:
			copy(out, g.rec[k:k+n])
		case kernels.Vec:
			for j, x := range g.vec[k : k+n] {
				out[j] = F(x)
			}
		case kernels.Edge:
			for j, x := range g.edge[k : k+n] {
				out[j] = F(x)
			}
		}
		out = out[n:]
	}
}
