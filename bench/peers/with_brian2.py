"""Brian2: networks of spiking neurons as C++ programs (standalone mode) in float64."""

import os
import tempfile
import time

import brian2
import numpy as np
from brian2 import Hz, Network, NeuronGroup, PoissonGroup, PoissonInput, SpikeMonitor, Synapses, defaultclock, ms

from on_cpu import OnCPU

brian2.BrianLogger.suppress_hierarchy("brian2")


class Framework(OnCPU):
    """Brian2 on the CPU."""

    title, name = "Brian2", f"brian2 {brian2.__version__} (float64)"
    networks = ["balanced", "coba", "vogels", "microcircuit"]

    def network(self, name, n, duration, described):
        if described:
            return Program(self.threads, lambda _: column(described), sum(p["n"] for p in described["populations"]), duration)
        return Program(self.threads, {"balanced": balanced, "coba": coba, "vogels": vogels}[name], n, duration)


class Program:
    """A network that is compiled once and run from its start each time. The time is that of its steps alone."""

    def __init__(self, threads, make, n, duration):
        begin = time.perf_counter()
        self.folder = tempfile.TemporaryDirectory(prefix="galvani-brian2-")
        brian2.set_device("cpp_standalone", build_on_run=False, directory=self.folder.name)
        prefs = brian2.prefs
        prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count()}"]
        prefs.devices.cpp_standalone.openmp_threads = 0 if threads == 1 else threads
        prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native", "-std=c++17"]
        brian2.seed(1)
        defaultclock.dt = 0.1 * ms
        self.n, self.duration = n, duration
        groups, parts = make(n)
        self.seen = [SpikeMonitor(g, record=False) for g in groups]
        Network(*parts, *self.seen).run(duration * ms)
        brian2.device.build(run=False, directory=self.folder.name, clean=False)
        self.build = time.perf_counter() - begin
        self.run()

    def run(self):
        brian2.device.run(self.folder.name, with_output=False, run_args=[])
        return float(brian2.device._last_run_time)

    def rate(self):
        return sum(int(m.num_spikes) for m in self.seen) / self.n / self.duration * 1000


def balanced(n):
    """EIF neurons whose inputs cancel: Baker et al. (2019); time in ms, potentials in mV."""
    excitatory, sources = int(0.8 * n), int(0.2 * n)
    g = NeuronGroup(n, """dv/dt = ((-(v+72) + exp(v+55))/15 + Ie + Ii + Ix)/ms : 1
                       dIe/dt = -Ie/(8*ms) : 1
                       dIi/dt = -Ii/(4*ms) : 1
                       dIx/dt = -Ix/(10*ms) : 1""", threshold="v>=-50", reset="v=-75", method="euler")
    g.run_regularly("v = clip(v, -100, 1e9)", when="after_groups")
    g.v = "-75+20*rand()"
    x = PoissonGroup(sources, 10 * Hz)
    e, i = g[:excitatory], g[excitatory:]
    parts = [g, x]
    for source, target, into, weight in ((e, e, "Ie", 25 / 8), (e, i, "Ie", 112.5 / 8), (i, e, "Ii", -150 / 4),
                                         (i, i, "Ii", -250 / 4), (x, e, "Ix", 180 / 10), (x, i, "Ix", 135 / 10)):
        s = Synapses(source, target, on_pre=f"{into}_post += {weight / n**0.5!r}")
        s.connect(p=0.1)
        parts.append(s)
    return [g], parts


def coba(n):
    """Conductance-based LIF neurons: Vogels and Abbott (2005), Brette et al. (2007)."""
    excitatory = int(0.8 * n)
    g = NeuronGroup(n, """dv/dt = (ge*(0-v)+gi*(-80-v)-(v+60))/(20*ms) : 1 (unless refractory)
                       dge/dt = -ge/(5*ms) : 1
                       dgi/dt = -gi/(10*ms) : 1""", threshold="v>-50", reset="v=-60", refractory=5 * ms, method="euler")
    g.v, g.ge, g.gi = "-60+5*(randn()-1)", "randn()*1.5+4", "randn()*12+20"
    parts = [g]
    for source, into in ((g[:excitatory], "ge += 0.6"), (g[excitatory:], "gi += 6.7")):
        s = Synapses(source, g, on_pre=into)
        s.connect(p=0.02)
        parts.append(s)
    return [g], parts


def vogels(n):
    """Inhibitory plasticity: Vogels et al. (2011); conductances relative to that of the leak, 10 nS."""
    g = NeuronGroup(n, """dv/dt = (-(v+60)-ge*v-gi*(v+80)+20)/(20*ms) : 1 (unless refractory)
                       dge/dt = -ge/(5*ms) : 1
                       dgi/dt = -gi/(10*ms) : 1""", threshold="v>-50", reset="v=-60", refractory=5 * ms, method="euler")
    g.v = "-60+10*rand()"
    excitatory = int(0.8 * n)
    e, i = g[:excitatory], g[excitatory:]
    ee = Synapses(e, g, on_pre="ge += 0.03")
    ii = Synapses(i, i, on_pre="gi += 0.3")
    ie = Synapses(i, e, model="""w : 1
                                dx/dt = -x/(20*ms) : 1 (event-driven)
                                dy/dt = -y/(20*ms) : 1 (event-driven)""",
                  on_pre="gi += w/10\nx += 1\nw = clip(w+(y-2*3*0.02)*0.01, 0, 100)",
                  on_post="y += 1\nw = clip(w+x*0.01, 0, 100)")
    for s in (ee, ii, ie):
        s.connect(p=0.02)
    ie.w = 1e-10
    return [g], [g, ee, ii, ie]


def column(described):
    """LIF neurons with synapses of one time constant, joined at random, and Poisson events of their own."""
    populations = described["populations"]
    first = np.cumsum([0] + [p["n"] for p in populations])
    g = NeuronGroup(int(first[-1]), """dv/dt = (el-v+I+drive)/(tau_m*ms) : 1 (unless refractory)
                                    dI/dt = -I/(tau*ms) : 1
                                    el : 1 (constant)
                                    drive : 1 (constant)
                                    tau : 1 (constant)
                                    tau_m : 1 (constant)
                                    v_th : 1 (constant)
                                    v_re : 1 (constant)
                                    t_ref : second (constant)""", threshold="v>=v_th", reset="v=v_re", refractory="t_ref", method="exact")
    rng, parts = np.random.default_rng(1), [g]
    for variable, key, unit in (("el", "e_l", 1), ("drive", "current", 1), ("tau", "tau", 1), ("tau_m", "tau_m", 1), ("v_th", "v_th", 1), ("v_re", "v_re", 1), ("t_ref", "t_ref", ms)):
        setattr(g, variable, np.repeat([float(p[key]) for p in populations], np.diff(first)) * unit)
    g.v = np.concatenate([rng.normal(*p["start"], p["n"]) for p in populations])
    for k, p in enumerate(populations):
        if p["rate"]:
            sources = max(1, round(p["rate"] / 8))
            parts.append(PoissonInput(g[int(first[k]):int(first[k + 1])], "I", sources, p["rate"] / sources * Hz, p["weight"] / p["tau"]))
    s = Synapses(g, g, "w : 1", on_pre="I_post += w")
    ends = [[], [], [], []]
    for q in described["projections"]:
        n, sign = q["entries"], np.sign(q["weight"][0])
        for k, side in enumerate(("from", "to")):
            ends[k].append(rng.integers(first[q[side]], first[q[side] + 1], n))
        ends[2].append(sign * np.maximum(0, sign * rng.normal(*q["weight"], n)) / populations[q["to"]]["tau"])
        ends[3].append(np.maximum(0.1, rng.normal(*q["delay"], n)))
    source, target, weight, delay = (np.concatenate(x) for x in ends)
    s.connect(i=source, j=target)
    s.w, s.delay = weight, delay * ms
    return [g], parts + [s]
