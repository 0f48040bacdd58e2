"""The cells in PyTorch, written plainly from their equations, for comparison of numbers.

Each takes x [T,B,I], the parameters by name and the settings, and returns h [T,B,H]. Sources:
the comments of models/*.go. A mask [T,B] holds the state where it is 0.
"""

import torch


def synapse(kernel, tau_s, tau_l):
    """Returns step(u, p, q) -> (conductance, p, q) of a synaptic filter."""
    ds, dl = torch.exp(-1 / tau_s), torch.exp(-1 / tau_l)

    def step(u, p, q):
        if kernel == "alpha":
            p, q = ds * (p + q), ds * q + u
            return p, p, q
        if kernel == "dualexp":
            p, q = ds * p + u, dl * q + u
            return tau_l * tau_s / (tau_l - tau_s) * (q - p), p, q
        p, q = p + (1 - ds) * (u - p), q + (1 - dl) * (u - q)
        x = p if kernel == "ema" else p - q
        return (torch.relu(x) if kernel == "ema_diff_relu" else x), p, q

    return step


def unroll(x, state, mask, step):
    """Steps state, a tuple of [B,H], through x and returns all h."""
    h = []
    for t in range(x.shape[0]):
        new = step(x[t], *state)
        if mask is not None:
            keep = mask[t][:, None] != 0
            new = tuple(torch.where(keep, n, s) for n, s in zip(new, state))
        state = new
        h.append(state[0])
    return torch.stack(h)


def crnn_simple(x, p, c, mask=None):
    tau = [torch.tensor(float(c[k]), dtype=x.dtype) for k in ("tau_s", "tau_l")]
    filtered = synapse(c["syn_kernel"], *tau)
    sign = {"restoring": 1, "literal": -1}[c["signs"]]

    def step(xt, h, s, l):
        xbar, s, l = filtered(xt @ p["U"].T, s, l)
        up = torch.sigmoid(p["w_m"] * h + p["b_m"])
        down = torch.sigmoid(-p["w_n"] * h - p["b_n"])
        dh = -h @ p["W"].T - sign * h * xbar - sign * up * down * h + p["b"]
        return h + c["dt"] * dh, s, l

    zero = x.new_zeros(x.shape[1], p["W"].shape[0])
    return unroll(x, (zero, zero, zero), mask, step)


def edges(graph, units):
    """Returns the pairs of units that the axial graph joins."""
    if graph == "none":
        return []
    if graph == "ring":
        return [(i - 1, i) for i in range(1, units)] + ([(units - 1, 0)] if units > 2 else [])
    if graph == "tree":
        return [((i - 1) // 2, i) for i in range(1, units)]
    with open(graph) as f:
        lines = (line.split("#")[0].split() for line in f)
        return [(int(e[0]), int(e[1])) for e in lines if e]


def crnn(x, p, c, mask=None):
    units = p["U_exc"].shape[0]
    filtered = synapse(c["syn_kernel"], p["tau_s"], p["tau_l"])
    pairs = edges(c["graph"], units)
    i, j = [e[0] for e in pairs], [e[1] for e in pairs]
    axial = x.new_zeros(units, units)
    if pairs:
        axial = axial.index_put((torch.tensor(i + j), torch.tensor(j + i)), torch.cat([p["g_axial"]] * 2))
    g0, j0 = p["g_L"] + axial.sum(1), p["g_L"] * p["E_L"]
    sign = {"restoring": 1, "literal": -1}[c["signs"]]
    stepping = "euler" if sign < 0 else c["step"]
    rate = c["dt"] / p["C_m"]

    def step(xt, h, s1, l1, s2, l2):
        exc, s1, l1 = filtered(xt @ p["U_exc"].T, s1, l1)
        inh, s2, l2 = filtered(xt @ p["U_inh"].T, s2, l2)
        parts = [(exc, p["E_exc"]), (inh, p["E_inh"])]
        for k in range(2):
            up = torch.sigmoid(p["w_m"][k] * h + p["b_m"][k])
            down = torch.sigmoid(-p["w_n"][k] * h - p["b_n"][k])
            parts.append((p["gamma"][k] * up * down, p["E_c"][k]))
        G = g0 + sign * sum(g for g, _ in parts)
        J = j0 + h @ axial.T + sign * sum(g * e for g, e in parts)
        if stepping == "exp":
            h = J / G + (h - J / G) * torch.exp(-rate * G)
        elif stepping == "implicit":
            h = (h + rate * J) / (1 + rate * G)
        else:
            h = h + rate * (J - G * h)
        return h, s1, l1, s2, l2

    zero = x.new_zeros(x.shape[1], units)
    return unroll(x, (zero - 0.5, zero, zero, zero, zero), mask, step)


TORCH = {"rnn": torch.nn.RNN, "irnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def layer(model, p):
    """Returns PyTorch's own layer, or several, with the parameters p, strictly under their own names."""
    width, inputs = p["weight_hh_l0"].shape[1], p["weight_ih_l0"].shape[1]
    more = {"nonlinearity": "relu"} if model == "irnn" else {}
    net = TORCH[model](inputs, width, sum(k.startswith("weight_hh_l") for k in p), **more).to(p["weight_ih_l0"].dtype)
    net.load_state_dict(p)
    return net


def ours(model, x, p, c, mask=None):
    """Runs a charged cell and returns h, and the leaves that take gradients, by name."""
    leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
    return {"crnn-simple": crnn_simple, "crnn": crnn}[model](x, leaves, c, mask), leaves


def run(model, x, p, c, mask=None):
    """Runs any cell and returns h [T,B,H] and the leaves that take gradients, by name."""
    if model not in TORCH:
        return ours(model, x, p, c, mask)
    net = layer(model, p)
    leaves = dict(net.named_parameters())
    if mask is None:
        return net(x)[0], leaves
    # Held steps have no counterpart in the layer: run every sequence alone, for its length, and
    # hold its last state.
    columns = []
    for b in range(x.shape[1]):
        n = int(mask[:, b].sum())
        if not bool((mask[:n, b] != 0).all()):
            raise ValueError("the mask has gaps, which torch's layers cannot follow")
        h = net(x[:n, b : b + 1])[0] if n else x.new_zeros(0, 1, net.hidden_size)
        last = h[-1:] if n else x.new_zeros(1, 1, net.hidden_size)
        columns.append(torch.cat([h, last.expand(x.shape[0] - n, -1, -1)]))
    return torch.cat(columns, 1), leaves
