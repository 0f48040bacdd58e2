"""The timed forms of the cells in JAX: lax.scan under jit, the input product of all steps before it.

Loops that lax.scan unrolls 8 times were slower on a CPU (jax 0.10.2), up to 17 times of crnn-simple
with 64 units, and are left out.
"""

import os

import numpy as np

jax = jnp = None  # imported by threads, as XLA counts the cores when it starts


def threads(n):
    """Limits XLA to n cores, 0 for all, and returns how many threads it has."""
    global jax, jnp
    allowed = sorted(os.sched_getaffinity(0))
    if 0 < n < len(allowed):
        allowed = allowed[:n]
        os.sched_setaffinity(0, allowed)
    import jax
    import jax.numpy as jnp

    return len(allowed)


def name():
    return f"jax {jax.__version__} ({jax.default_backend()})"


def product(size):
    """Returns a square matrix product."""
    a, b = (jax.random.uniform(jax.random.key(k), (size, size)) for k in range(2))
    f = jax.jit(jnp.matmul)
    return lambda: f(a, b).block_until_ready()


def crnn_simple(p, x, constants):
    """crnn-simple with the kernel ema_diff_relu."""
    dt, sign, ds, dl = constants
    Wt = p["W"].T

    def step(state, u):
        h, s, l = state
        s, l = ds * s + (1 - ds) * u, dl * l + (1 - dl) * u
        gate = jax.nn.sigmoid(p["w_m"] * h + p["b_m"]) * jax.nn.sigmoid(-p["w_n"] * h - p["b_n"])
        h = h + dt * (p["b"] - h @ Wt - sign * h * (jax.nn.relu(s - l) + gate))
        return (h, s, l), h

    return scan(step, 3, Wt.shape[0], x @ p["U"].T)


def rnn(p, x, constants):
    Wt = p["weight_hh_l0"].T

    def step(state, u):
        h = jnp.tanh(u + state[0] @ Wt)
        return (h,), h

    return scan(step, 1, Wt.shape[0], x @ p["weight_ih_l0"].T + p["bias_ih_l0"] + p["bias_hh_l0"])


def gru(p, x, constants):
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


def lstm(p, x, constants):
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


MODELS = {"crnn-simple": crnn_simple, "rnn": rnn, "gru": gru, "lstm": lstm}
FORMS = ("scan",)
PEERS = [(m, "scan") for m in MODELS]


class Problem:
    """A cell with all its inputs. Leaves and arrays are float32."""

    def __init__(self, model, form, arrays, constants):
        cell = {"scan": MODELS[model]}[form]
        self.x, self.dh = (jnp.asarray(arrays[k]) for k in ("x", "dh"))
        self.leaves = {k[5:]: jnp.asarray(v) for k, v in arrays.items() if k.startswith("cell.")}

        def both(leaves, x, dh):
            h, pull = jax.vjp(lambda p: cell(p, x, constants), leaves)
            return h, pull(dh)[0]

        self.both = jax.jit(both)

    def run(self):
        """Runs forward and backward and returns h [T,B,H] and the gradients."""
        return jax.block_until_ready(self.both(self.leaves, self.x, self.dh))

    def results(self):
        """Returns h and the gradients by the names of the parameters."""
        h, grads = self.run()
        return np.asarray(h), {k: np.asarray(v) for k, v in grads.items()}
