"""The timed forms of the cells in JAX: lax.scan under jit, the input product of all steps before it.

Loops that lax.scan unrolls 8 times were slower on a CPU (jax 0.10.2), up to 17 times of crnn-simple
with 64 units, and are left out.
"""

import os

import numpy as np

import tensors

jax = jnp = None  # imported by Framework, as XLA counts the cores when it starts


def crnn_simple(p, x, config):
    """crnn-simple with the kernel ema_diff_relu."""
    dt, sign, ds, dl = tensors.constants(config)
    Wt = p["W"].T

    def step(state, u):
        h, s, l = state
        s, l = ds * s + (1 - ds) * u, dl * l + (1 - dl) * u
        gate = jax.nn.sigmoid(p["w_m"] * h + p["b_m"]) * jax.nn.sigmoid(-p["w_n"] * h - p["b_n"])
        h = h + dt * (p["b"] - h @ Wt - sign * h * (jax.nn.relu(s - l) + gate))
        return (h, s, l), h

    return scan(step, 3, Wt.shape[0], x @ p["U"].T)


def expect(config, **settings):
    """Refuses settings that the timed form does not have."""
    for key, value in settings.items():
        if config[key] != value:
            raise ValueError(f"the timed form has {key} {value} only, not {config[key]}")


def crnn(p, x, config):
    """crnn on a ring with exponential steps and the kernel ema_diff_relu."""
    expect(config, graph="ring", step="exp", signs="restoring", syn_kernel="ema_diff_relu")
    g, rate = p["g_axial"], config["dt"] / p["C_m"]  # edge u joins the units u and u+1
    g_before = jnp.roll(g, 1)
    ds, dl = jnp.exp(-1 / p["tau_s"]), jnp.exp(-1 / p["tau_l"])
    G0, J0 = p["g_L"] + g + g_before, p["g_L"] * p["E_L"]

    def step(state, u):
        h, s, l = state
        s, l = ds * s + (1 - ds) * u, dl * l + (1 - dl) * u
        exc, inh = jax.nn.relu(s - l)
        G = G0 + exc + inh
        J = J0 + g * jnp.roll(h, -1, 1) + g_before * jnp.roll(h, 1, 1) + exc * p["E_exc"] + inh * p["E_inh"]
        for k in range(2):
            open_ = jax.nn.sigmoid(p["w_m"][k] * h + p["b_m"][k]) * jax.nn.sigmoid(-p["w_n"][k] * h - p["b_n"][k])
            G, J = G + p["gamma"][k] * open_, J + p["gamma"][k] * open_ * p["E_c"][k]
        h = J / G + (h - J / G) * jnp.exp(-rate * G)
        return (h, s, l), h

    u = jnp.stack([x @ p["U_exc"].T, x @ p["U_inh"].T], 1)
    traces = jnp.zeros(u.shape[1:], u.dtype)
    return jax.lax.scan(step, (jnp.full(u.shape[2:], -0.5, u.dtype), traces, traces), u)[1]


def cond_gru(p, x, config):
    """cond-gru with implicit steps of rectified voltages, both products in one."""
    expect(config, update="implicit", activation="relu", dynamics="voltage")
    Wt, dt = jnp.concatenate([p["W"], p["W_z"]]).T, config["dt"]

    def step(state, d):
        r, v = state
        u, z = jnp.split(d + r @ Wt, 2, -1)
        v = (v + dt * u) / (1 + jax.nn.sigmoid(z))
        r = jax.nn.relu(v)
        return (r, v), r

    d = x @ jnp.concatenate([p["P"], p["P_z"]]).T + jnp.concatenate([p["b"], p["G_b"]])
    return scan(step, 2, Wt.shape[0], d)


def rate(p, x, config):
    """rate with tanh and time constants dt + softplus."""
    expect(config, activation="tanh", tau_form="softplus", learn="all")
    Wt, dt = p["W"].T, config["dt"]
    s, m = (dt / (dt + jax.nn.softplus(p[k])) for k in ("t_s", "t_r"))

    def step(state, d):
        r, i = state
        i = i + s * (d + r @ Wt - i)
        r = r + m * (jnp.tanh(i) - r)
        return (r, i), r

    return scan(step, 2, Wt.shape[0], x @ p["U"].T + p["b"])


def rnn(p, x, config):
    Wt = p["weight_hh_l0"].T

    def step(state, u):
        h = jnp.tanh(u + state[0] @ Wt)
        return (h,), h

    return scan(step, 1, Wt.shape[0], x @ p["weight_ih_l0"].T + p["bias_ih_l0"] + p["bias_hh_l0"])


def gru(p, x, config):
    Wt, b = p["weight_hh_l0"].T, p["bias_hh_l0"]

    def step(state, u):
        (h,) = state
        ur, uz, un = jnp.split(u, 3, -1)
        vr, vz, vn = jnp.split(h @ Wt + b, 3, -1)
        r, z = jax.nn.sigmoid(ur + vr), jax.nn.sigmoid(uz + vz)
        n = jnp.tanh(un + r * vn)
        h = n + z * (h - n)
        return (h,), h

    return scan(step, 1, Wt.shape[0], x @ p["weight_ih_l0"].T + p["bias_ih_l0"])


def lstm(p, x, config):
    Wt = p["weight_hh_l0"].T

    def step(state, u):
        h, c = state
        i, f, g, o = jnp.split(u + h @ Wt, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return scan(step, 2, Wt.shape[0], x @ p["weight_ih_l0"].T + p["bias_ih_l0"] + p["bias_hh_l0"])


def scan(step, states, width, u):
    """Steps `states` tensors [B,H] from zero through u [T,B,...] and returns what step puts out."""
    zero = jnp.zeros((u.shape[1], width), u.dtype)
    return jax.lax.scan(step, (zero,) * states, u)[1]


MODELS = {"crnn": crnn, "crnn-simple": crnn_simple, "cond-gru": cond_gru, "rate": rate, "rnn": rnn, "gru": gru, "lstm": lstm}


class Framework:
    """JAX on a device, in a precision."""

    peers = [(m, "scan") for m in MODELS]
    forms = ["scan"]

    def __init__(self, threads, device, precision):
        global jax, jnp
        allowed = sorted(os.sched_getaffinity(0))
        if 0 < threads < len(allowed):
            allowed = allowed[:threads]
            os.sched_setaffinity(0, allowed)
        self.threads = len(allowed)
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # others compute on this GPU too
        kind, _, number = device.partition(":")
        os.environ["JAX_PLATFORMS"] = kind
        import jax
        import jax.numpy as jnp

        try:
            self.device = jax.devices(kind)[int(number or 0)]
        except (RuntimeError, IndexError, AssertionError) as e:
            raise ValueError(f"JAX {jax.__version__} has no {device} {e}".strip()) from e
        jax.config.update("jax_default_device", self.device)
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "highest")
        self.dtype = {"fp16": jnp.float16, "bf16": jnp.bfloat16}.get(precision, jnp.float32)
        self.cuda = kind != "cpu"
        self.name = f"jax {jax.__version__} ({kind}{'' if precision == 'fp32' else ', ' + precision})"

    def wait(self, out):
        """Waits until out has been computed, and all before it."""
        jax.block_until_ready(out)

    def memory(self):
        """Returns the most bytes of the GPU that were in use since the start, 0 on the CPU."""
        return self.device.memory_stats()["peak_bytes_in_use"] if self.cuda else 0

    def product(self, size):
        """Returns a square matrix product."""
        a, b = (jax.random.uniform(jax.random.key(k), (size, size), self.dtype) for k in range(2))
        f = jax.jit(jnp.matmul)
        return lambda: f(a, b)

    def problem(self, model, form, arrays, config):
        return Problem(self, {"scan": MODELS[model]}[form], arrays, config)


class Problem:
    """A cell with all its inputs."""

    def __init__(self, framework, cell, arrays, config):
        self.x, self.dh = (jnp.asarray(arrays[k], framework.dtype) for k in ("x", "dh"))
        p = {k[5:]: jnp.asarray(v, framework.dtype) for k, v in arrays.items() if k.startswith("cell.")}
        asked = {k for k in p if "grad.cell." + k in arrays} or set(p)
        self.leaves, fixed = {k: p[k] for k in asked}, {k: p[k] for k in set(p) - asked}
        self.h = jax.jit(lambda leaves, x: cell(leaves | fixed, x, config))

        def pulled(leaves, x, dh):
            h, pull = jax.vjp(lambda q: cell(q | fixed, x, config), leaves)
            return h, pull(dh)[0]

        self.pulled = jax.jit(pulled)

    def forward(self):
        """Returns h [T,B,H]."""
        return self.h(self.leaves, self.x)

    def both(self):
        """Runs forward and backward and returns h and the gradients."""
        return self.pulled(self.leaves, self.x, self.dh)

    def results(self):
        """Returns h and the gradients by the names of the parameters."""
        h, grads = self.both()
        return np.asarray(h, np.float32), {k: np.asarray(v, np.float32) for k, v in grads.items()}
