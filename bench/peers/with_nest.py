"""NEST: networks of spiking neurons in float64."""

import time

import nest

from on_cpu import OnCPU

if hasattr(nest, "VerbosityLevel"):
    nest.verbosity = nest.VerbosityLevel.ERROR
else:
    nest.set_verbosity("M_ERROR")


class Framework(OnCPU):
    """NEST on the CPU."""

    title, name = "NEST", f"nest {nest.__version__} (float64, LIF)"
    networks = ["balanced", "microcircuit"]

    def network(self, name, n, duration, described):
        return Column(self.threads, described, duration) if described else Balanced(self.threads, n, duration)


class Recorded:
    """What networks share. Each run goes on where the last one ended."""

    def begin(self, threads):
        self.start = time.perf_counter()
        nest.ResetKernel()
        nest.resolution, nest.local_num_threads, nest.rng_seed = 0.1, threads, 1

    def record(self, groups, n, duration):
        self.seen = nest.Create("spike_recorder", params=dict(record_to="memory"))
        for group in groups:
            nest.Connect(group, self.seen, syn_spec=dict(delay=0.1))
        self.n, self.duration = n, duration
        nest.Simulate(1.0)  # sorts the connections
        self.build = time.perf_counter() - self.start
        self.before = self.seen.n_events
        self.run()

    def run(self):
        begin = time.perf_counter()
        nest.Simulate(self.duration)
        return time.perf_counter() - begin

    def rate(self):
        return (self.seen.n_events - self.before) / self.n / self.duration * 1000


class Balanced(Recorded):
    """The network of LIF neurons (iaf_psc_exp), NEST's fastest model: those of the others are EIF, for which it
    has adaptive steps that take seven times as long. Sources have the time constant of excitation, 8 ms in the
    place of 10, at the same charge, as a model has two."""

    def __init__(self, threads, n, duration):
        self.begin(threads)
        excitatory, sources, capacity = int(0.8 * n), int(0.2 * n), 250.0
        neuron = dict(C_m=capacity, tau_m=15.0, E_L=-72.0, V_th=-55.0, V_reset=-75.0, t_ref=0.1, tau_syn_ex=8.0, tau_syn_in=4.0, I_e=0.0)
        e, i = (nest.Create("iaf_psc_exp", k, params=neuron) for k in (excitatory, n - excitatory))
        for group in (e, i):
            group.V_m = nest.random.uniform(-75.0, -55.0)
        trains, x = nest.Create("poisson_generator", sources, params=dict(rate=10.0)), nest.Create("parrot_neuron", sources)
        nest.Connect(trains, x, "one_to_one", dict(delay=0.1))
        for source, target, weight in ((e, e, 25 / 8), (e, i, 112.5 / 8), (i, e, -150 / 4), (i, i, -250 / 4), (x, e, 180 / 8), (x, i, 135 / 8)):
            nest.Connect(source, target, dict(rule="pairwise_bernoulli", p=0.1), dict(weight=capacity * weight / n**0.5, delay=0.1))
        self.record((e, i), n, duration)


class Column(Recorded):
    """LIF neurons (iaf_psc_exp) with synapses of one time constant, joined at random, and Poisson events of their own."""

    def __init__(self, threads, described, duration):
        self.begin(threads)
        capacity, groups, scales = 250.0, [], []
        for p in described["populations"]:
            leak = capacity / p["tau_m"]
            g = nest.Create("iaf_psc_exp", p["n"], params=dict(C_m=capacity, tau_m=p["tau_m"], E_L=p["e_l"], V_th=p["v_th"], V_reset=p["v_re"],
                                                               t_ref=p["t_ref"], tau_syn_ex=p["tau"], tau_syn_in=p["tau"], I_e=leak * p["current"]))
            g.V_m = nest.random.normal(*p["start"])
            scale = leak / p["tau"]  # of pA to mV ms
            if p["rate"]:
                nest.Connect(nest.Create("poisson_generator", params=dict(rate=p["rate"])), g, syn_spec=dict(weight=scale * p["weight"], delay=0.1))
            groups.append(g)
            scales.append(scale)
        for q in described["projections"]:
            mean, deviation = (scales[q["to"]] * w for w in q["weight"])
            low, high = (0.0, float("inf")) if mean > 0 else (float("-inf"), 0.0)
            weight = nest.math.redraw(nest.random.normal(mean, deviation), min=low, max=high)
            delay = nest.math.redraw(nest.random.normal(*q["delay"]), min=0.1, max=float("inf"))
            nest.Connect(groups[q["from"]], groups[q["to"]], dict(rule="fixed_total_number", N=q["entries"]), dict(weight=weight, delay=delay))
        self.record(groups, sum(p["n"] for p in described["populations"]), duration)
