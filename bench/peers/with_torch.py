"""The timed forms of the cells in PyTorch, as fast as plain PyTorch goes."""

import warnings

import torch
from torch import Tensor

import cells
import circuit
import tensors

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


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

    def make(model, p, config):
        leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
        args = [leaves[k] for k in ("U", "W", "b", "w_m", "b_m", "w_n", "b_n")] + tensors.constants(config)
        return lambda x: f(x, *args), leaves

    return make


def layer(model, p, config):
    net = cells.layer(model, p)
    net.flatten_parameters()
    return lambda x: net(x)[0], dict(net.named_parameters())


warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")  # it is timed all the same

FORMS = {
    "eager": charged(crnn_simple),
    "script": charged(torch.jit.script(crnn_simple)),
    "nn.RNN": layer,
    "nn.GRU": layer,
    "nn.LSTM": layer,
}
if hasattr(torch, "compile"):
    FORMS["compile"] = charged(torch.compile(crnn_simple))


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


class Framework:
    """PyTorch on a device, in a precision."""

    # What to time of each model.
    peers = [("crnn-simple", f) for f in ("eager", "script", "compile") if f in FORMS]
    peers += [("rnn", "nn.RNN"), ("gru", "nn.GRU"), ("lstm", "nn.LSTM")]
    forms = sorted(FORMS)

    def __init__(self, threads, device, precision):
        self.device, self.dtype, self.cuda = torch.device(device), DTYPES[precision], device != "cpu"
        if threads > 0:
            torch.set_num_threads(threads)
        self.threads = torch.get_num_threads()
        torch.set_flush_denormal(True)  # as the kernels they are compared with
        library = blas()
        if self.cuda:
            if not torch.cuda.is_available():
                raise ValueError(f"PyTorch {torch.__version__} sees no GPU")
            torch.cuda.set_device(self.device)
            library = f"cudnn {torch.backends.cudnn.version()}"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        self.name = f"torch {torch.__version__} ({library}{'' if precision == 'fp32' else ', ' + precision})"

    def wait(self, out):
        """Waits until the device has done what was asked of it."""
        if self.cuda:
            torch.cuda.synchronize()

    def memory(self):
        """Returns the most bytes of the GPU that were in use, 0 on the CPU."""
        return torch.cuda.max_memory_allocated() if self.cuda else 0

    def product(self, size):
        """Returns a square matrix product."""
        a, b = (torch.rand(size, size, device=self.device, dtype=self.dtype) for _ in range(2))
        out = torch.empty_like(a)
        return lambda: torch.matmul(a, b, out=out)

    def circuit(self, arrays, how):
        return circuit.Circuit(arrays, how)

    def problem(self, model, form, arrays, config):
        return Problem(self, model, form, arrays, config)


class Problem:
    """A cell with all its inputs."""

    def __init__(self, framework, model, form, arrays, config):
        def put(v):
            return torch.from_numpy(v.copy()).to(framework.device, framework.dtype)

        if framework.cuda:
            torch.cuda.reset_peak_memory_stats()
        self.x, self.dh = put(arrays["x"]), put(arrays["dh"])
        p = {k[5:]: put(v) for k, v in arrays.items() if k.startswith("cell.")}
        self.cell, self.leaves = FORMS[form](model, p, config)

    def forward(self):
        """Returns h [T,B,H]."""
        with torch.no_grad():
            return self.cell(self.x)

    def both(self):
        """Runs forward and backward and returns h."""
        for leaf in self.leaves.values():
            leaf.grad = None
        h = self.cell(self.x)
        h.backward(self.dh)
        return h

    def results(self):
        """Returns h and the gradients by the names of the parameters."""

        def get(v):
            return v.detach().float().cpu().numpy()

        return get(self.both()), {k: get(leaf.grad) for k, leaf in self.leaves.items()}
