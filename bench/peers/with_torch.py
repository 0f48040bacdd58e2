"""The timed forms of the cells in PyTorch, as fast as plain PyTorch goes."""

import warnings

import torch
from torch import Tensor

import cells


def threads(n):
    """Sets the number of threads, 0 for PyTorch's own choice, and returns it."""
    if n > 0:
        torch.set_num_threads(n)
    torch.set_flush_denormal(True)  # as the kernels they are compared with
    return torch.get_num_threads()


def blas():
    """Returns which library multiplies matrices here: Debian links a neutral name to one of several."""
    torch.rand(8, 8) @ torch.rand(8, 8)
    if torch.backends.mkl.is_available():
        return "mkl"
    try:
        with open("/proc/self/maps") as f:
            maps = f.read()
    except OSError:
        return "unknown blas"
    return next((b for b in ("openblas", "blis", "atlas") if b in maps), "reference blas")


def name():
    return f"torch {torch.__version__} ({blas()})"


def product(size):
    """Returns a square matrix product."""
    a, b = (torch.rand(size, size) for _ in range(2))
    out = torch.empty_like(a)
    return lambda: torch.matmul(a, b, out=out)


def crnn_simple(x: Tensor, U: Tensor, W: Tensor, b: Tensor, w_m: Tensor, b_m: Tensor, w_n: Tensor,
                b_n: Tensor, dt: float, sign: float, ds: float, dl: float) -> Tensor:
    """crnn-simple with the kernel ema_diff_relu. The input product of all steps is one; unbind
    instead of indexing, whose backward pass would fill T tensors of T steps each; as few
    operations per step as the equations allow."""
    u = torch.matmul(x, U.t())
    us, ul = torch.mul(u, 1.0 - ds).unbind(0), torch.mul(u, 1.0 - dl).unbind(0)
    Wt, nw_n, nb_n = W.t(), torch.neg(w_n), torch.neg(b_n)
    h = torch.zeros_like(us[0])
    p, q = h, h
    out = []
    for t in range(len(us)):
        p = torch.add(us[t], p, alpha=ds)
        q = torch.add(ul[t], q, alpha=dl)
        xbar = torch.relu(p - q)
        gate = torch.sigmoid(torch.addcmul(b_m, w_m, h)) * torch.sigmoid(torch.addcmul(nb_n, nw_n, h))
        drift = torch.addcmul(torch.addmm(b, h, Wt, alpha=-1.0), h, xbar + gate, value=-sign)
        h = torch.add(h, drift, alpha=dt)
        out.append(h)
    return torch.stack(out)


def charged(f):
    """Makes a cell of a form of crnn_simple."""

    def make(model, p, constants):
        leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
        args = [leaves[k] for k in ("U", "W", "b", "w_m", "b_m", "w_n", "b_n")] + constants
        return lambda x: f(x, *args), leaves

    return make


def torch_layer(model, p, constants):
    net = cells.layer(model, p)
    return lambda x: net(x)[0], dict(net.named_parameters())


warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")  # it is timed all the same

FORMS = {
    "eager": charged(crnn_simple),
    "script": charged(torch.jit.script(crnn_simple)),
    "nn.RNN": torch_layer,
    "nn.GRU": torch_layer,
    "nn.LSTM": torch_layer,
}
if hasattr(torch, "compile"):
    FORMS["compile"] = charged(torch.compile(crnn_simple))

# What to time of each model.
PEERS = [("crnn-simple", f) for f in ("eager", "script", "compile") if f in FORMS]
PEERS += [("rnn", "nn.RNN"), ("gru", "nn.GRU"), ("lstm", "nn.LSTM")]


class Problem:
    """A cell with all its inputs. Leaves and arrays are float32."""

    def __init__(self, model, form, arrays, constants):
        self.x, self.dh = (torch.from_numpy(arrays[k].copy()) for k in ("x", "dh"))
        p = {k[5:]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith("cell.")}
        self.cell, self.leaves = FORMS[form](model, p, constants)

    def run(self):
        """Runs forward and backward and returns h [T,B,H]."""
        for leaf in self.leaves.values():
            leaf.grad = None
        h = self.cell(self.x)
        h.backward(self.dh)
        return h

    def results(self):
        """Returns h and the gradients by the names of the parameters."""
        h = self.run().detach().numpy()
        return h, {k: leaf.grad.numpy() for k, leaf in self.leaves.items()}
