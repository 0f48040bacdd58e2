package kernels

// CircuitState is all that a circuit carries from one step to the next, the same on every device: a plan
// of the same circuit that is given it goes on with the same bits.
type CircuitState struct {
	Step        int64 // number of the next step
	Populations []PopulationState
	Plastic     []PlasticState // of the plastic projections, in their order
}

// PopulationState is the state of a population of N units; that of sources is empty, as their spikes
// depend on the step alone.
type PopulationState struct {
	Name string
	// Planes are those of the header in its order, [N] each.
	Planes [][]float32
	// Currents are those of the synapses, [N] each.
	Currents [][]float32
	// Due is what arrives at each synapse in the steps Step, Step+1, ..., [longest delay, N].
	Due [][]float32
}

// Looker is a CircuitPlan that may tell the state of one population at little cost.
type Looker interface {
	// Look returns a copy of the planes and the currents of a population between two steps, without what is due, or false
	// where State alone has them.
	Look(population int) (PopulationState, bool)
}
