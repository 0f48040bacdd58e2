"""NEURON: cables of Hodgkin and Huxley with its own mechanism hh, in float64."""

import os

os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")

import neuron
from neuron import h

from on_cpu import OnCPU


class Framework(OnCPU):
    """NEURON on the CPU."""

    title, name = "NEURON", f"neuron {neuron.__version__} (float64)"
    cables = ["forward"]

    def cable(self, what, shape):
        return Cable(self.threads, shape)


class Cable:
    """Cells side by side, each a section with a current of its own into the near end."""

    def __init__(self, threads, shape):
        self.end = shape["steps"] * shape["dt"]
        self.cells, self.stimuli = [], []
        for amplitude in shape["currents"]:
            s = h.Section(name=f"cable{len(self.cells)}")
            s.L, s.diam, s.nseg, s.Ra, s.cm = shape["length"], shape["diameter"], shape["compartments"], 100.0, 1.0
            s.insert("hh")
            s.ena, s.ek = 50.0, -77.0
            current = h.IClamp(s(0.5 / s.nseg))
            current.delay, current.dur, current.amp = shape["onset"], 1e9, amplitude
            self.cells.append(s)
            self.stimuli.append(current)
        self.seen = [h.Vector().record(s(x)._ref_v) for s in (self.cells[0], self.cells[-1]) for x in (0.5 / s.nseg, 1 - 0.5 / s.nseg)]
        h.dt, h.celsius = shape["dt"], 6.3
        self.context = h.ParallelContext()
        self.context.nthread(threads)
        self.context.set_maxstep(10)
        h.usetable_hh = 0

    def run(self):
        h.finitialize(-65.0)
        self.context.psolve(self.end)

    def results(self):
        """Returns V of both ends of the first and the last cell, from exact rates, and the gradient, of which
        there is none. The runs after it look rates up in tables, as NEURON does by itself."""
        traces = [[float(v) for v in seen] for seen in self.seen]
        h.usetable_hh = 1
        return traces, None
