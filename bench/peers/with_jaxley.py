"""Jaxley: cables of Hodgkin and Huxley with its own channel HH, in float32, a batch of cells under vmap."""

import math

import numpy as np

import with_jax

# Nested checkpoints: Jaxley keeps all states of all steps without them.
LEVELS = 2


class Framework(with_jax.Framework):
    """JAX with Jaxley on it."""

    peers, forms = [], []
    cables = ["forward", "forward+backward"]

    def __init__(self, threads, device, precision):
        super().__init__(threads, device, precision)
        import jaxley

        self.name = f"jaxley {jaxley.__version__}, {self.name}"

    def cable(self, what, shape):
        return Cable(what, shape)


class Cable:
    """One cell, run for many currents at once."""

    def __init__(self, what, shape):
        import jax
        import jax.numpy as jnp
        import jaxley
        from jaxley.channels import HH

        cell = jaxley.Cell(jaxley.Branch(jaxley.Compartment(), ncomp=shape["compartments"]), parents=[-1])
        cell.insert(HH())
        cell.set("length", shape["length"] / shape["compartments"])
        cell.set("radius", shape["diameter"] / 2)
        cell.set("axial_resistivity", 100.0)
        cell.set("capacitance", 1.0)
        cell.set("v", -65.0)
        cell.init_states()
        ends = cell.branch(0).comp(0), cell.branch(0).comp(shape["compartments"] - 1)
        for end in ends:
            end.record("v", verbose=False)
        for name in ("HH_gNa", "HH_gK"):
            cell.make_trainable(name, verbose=False)
        self.params = cell.get_parameters()
        self.currents = jnp.asarray(shape["currents"])
        steps, dt = shape["steps"], shape["dt"]
        on = jnp.arange(steps) >= round(shape["onset"] / dt)
        pieces = [math.ceil((steps + 2) ** (1 / LEVELS))] * LEVELS

        def one(params, current):
            stimulus = ends[0].data_stimulate(jnp.where(on, current, 0.0))
            return jaxley.integrate(cell, params=params, data_stimuli=stimulus, delta_t=dt, checkpoint_lengths=pieces)

        def all_of(params, currents):
            v = jax.vmap(one, (None, 0))(params, currents)[:, :, : steps + 1]
            return jnp.mean(v[:, :, 1:] ** 2), v

        self.jax = jax
        self.call = jax.jit(all_of if what == "forward" else jax.value_and_grad(all_of, has_aux=True))
        self.gradient = what != "forward"

    def run(self):
        self.out = self.jax.block_until_ready(self.call(self.params, self.currents))

    def results(self):
        """Returns V of both ends of the first and the last cell, and the gradient of the mean square of V by
        the densities of sodium and potassium."""
        v = np.asarray(self.out[0][1] if self.gradient else self.out[1], np.float64)
        traces = [x.tolist() for x in (v[0, 0], v[0, 1], v[-1, 0], v[-1, 1])]
        if not self.gradient:
            return traces, None
        return traces, [float(np.asarray(x).sum()) for p in self.out[1] for x in p.values()]
