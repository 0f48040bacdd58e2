"""Times the cells in PyTorch, forward and backward, as fast as plain PyTorch goes.

Without --serve it prints one JSON line per cell and shape, of the schema of bench/row.go. With
--serve it answers requests, one JSON object a line, from `galvani bench cpu --peers`, which
alternates between its own kernels and this program.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import time

import numpy as np

try:
    import torch
    from torch import Tensor
except ImportError:
    print(json.dumps({"error": "PyTorch is absent from " + sys.executable
                      + "; apt-get install python3-torch, or name another Python with --python"}))
    sys.exit(1)

import cells
import tensors

WARM_UP = 5  # the script's profiler wants a few runs before it has settled


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

    def make(model, p, c):
        if c["syn_kernel"] != "ema_diff_relu":
            raise ValueError("the timed form has the kernel ema_diff_relu only")
        leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
        sign = {"restoring": 1.0, "literal": -1.0}[c["signs"]]
        decay = [float(np.exp(-1 / c[k])) for k in ("tau_s", "tau_l")]
        names = ("U", "W", "b", "w_m", "b_m", "w_n", "b_n")
        args = [leaves[k] for k in names] + [float(c["dt"]), sign] + decay
        return lambda x: f(x, *args), leaves

    return make


def torch_layer(model, p, c):
    net = cells.layer(model, p)
    return lambda x: net(x)[0], dict(net.named_parameters())


FORMS = {
    "eager": charged(crnn_simple),
    "script": charged(torch.jit.script(crnn_simple)),
    "nn.RNN": torch_layer,
    "nn.GRU": torch_layer,
    "nn.LSTM": torch_layer,
}


class Problem:
    """A cell with all its inputs. Leaves and arrays are float32."""

    def __init__(self, model, form, arrays, config):
        self.x, self.dh = (torch.from_numpy(arrays[k].copy()) for k in ("x", "dh"))
        p = {k[5:]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith("cell.")}
        self.cell, self.leaves = FORMS[form](model, p, config)

    def run(self):
        for leaf in self.leaves.values():
            leaf.grad = None
        h = self.cell(self.x)
        h.backward(self.dh)
        return h

    def gate(self, arrays):
        """Returns the largest relative deviation of h and the gradients."""
        h = self.run().detach().numpy()
        worst = tensors.deviation(h, arrays["h"])
        for name, leaf in self.leaves.items():
            worst = max(worst, tensors.deviation(leaf.grad.numpy(), arrays["grad.cell." + name]))
        return worst


def seconds(run, repeat):
    """Times repeats after one that is not timed: it finds threads asleep and caches cold."""
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


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


def serve():
    def answer(**fields):
        print(json.dumps(fields), flush=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of stdin ends this, not the terminal
    answer(name=name())
    run = None
    for line in sys.stdin:
        r = json.loads(line)
        try:
            if r["do"] == "load":
                arrays, metadata = tensors.load(r["file"])
                problem = Problem(metadata["model"], r["form"], arrays, tensors.settings(metadata))
                run = problem.run
                seconds(run, WARM_UP)
                answer(gate=problem.gate(arrays))
            elif r["do"] == "product":
                a, b = (torch.rand(r["size"], r["size"]) for _ in range(2))
                out = torch.empty_like(a)
                run = lambda: torch.matmul(a, b, out=out)
                answer()
            else:
                answer(seconds=seconds(run, r["repeat"]))
        except (ValueError, KeyError, RuntimeError, OSError) as e:
            answer(error=f"peers.py: {type(e).__name__}: {e}".replace("\n", " "))


DEFAULTS = {"dt": 0.2, "tau_s": 2.0, "tau_l": 8.0, "syn_kernel": "ema_diff_relu", "signs": "restoring"}
GATES = {"crnn-simple": 1, "rnn": 1, "gru": 3, "lstm": 4}
PEERS = (("crnn-simple", "eager"), ("crnn-simple", "script"), ("rnn", "nn.RNN"), ("gru", "nn.GRU"), ("lstm", "nn.LSTM"))


def random_problem(model, shape, rng):
    """Draws arrays like those of the Go side, of the same sizes and scale."""
    T, B, I, H = (shape[k] for k in "TBIH")
    arrays = {"x": rng.uniform(-1, 1, (T, B, I)), "dh": rng.uniform(-1, 1, (T, B, H))}
    if model == "crnn-simple":
        arrays.update({"cell.W": np.eye(H), "cell.U": rng.normal(0, 0.3, (H, I))})
        arrays.update({"cell." + k: rng.normal(3, 1, H) for k in ("w_m", "w_n")})
        arrays.update({"cell." + k: rng.normal(0, 0.5, H) for k in ("b", "b_m", "b_n")})
    else:
        G, width = GATES[model], H**-0.5
        arrays.update({"cell.weight_ih_l0": rng.uniform(-width, width, (G * H, I)),
                       "cell.weight_hh_l0": rng.uniform(-width, width, (G * H, H))})
        arrays.update({f"cell.bias_{k}_l0": rng.uniform(-width, width, G * H) for k in ("ih", "hh")})
    return {k: v.astype(np.float32) for k, v in arrays.items()}


def cpu():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def alone(args):
    rng = np.random.default_rng(1)
    head = {
        "schema": 1, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
                    "isa": "", "os": sys.platform, "arch": platform.machine(), "load": os.getloadavg()[0]},
        "program": {"version": "python " + platform.python_version() + ", " + name(), "commit": ""},
    }
    for text in args.shapes:
        shape = dict(zip("BHT", map(int, text.split(","))), I=28)
        for model, form in PEERS:
            problem = Problem(model, form, random_problem(model, shape, rng), DEFAULTS)
            seconds(problem.run, WARM_UP)
            s = seconds(problem.run, args.repeats)
            median = statistics.median(s)
            # 95 % by resampling the repeats; only `galvani bench cpu --peers` has blocks.
            draws = np.sort(np.median(rng.choice(s, (2000, len(s))), axis=1))
            flops = 6.0 * GATES[model] * shape["B"] * shape["H"] ** 2 * shape["T"]
            row = dict(head, case="peer", model=model, what="forward+backward", shape=shape, subject={
                "name": name() + " " + form, "flops": flops, "seconds": s, "median": median,
                "interval": [float(draws[50]), float(draws[1949])]})
            print(json.dumps(row), file=args.out, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", action="store_true", help="answer requests on stdin")
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch, 0 for its own choice")
    parser.add_argument("--shapes", nargs="+", default=["32,256,200", "32,512,200", "64,128,200"], metavar="B,H,T")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=argparse.FileType("a"), default=sys.stdout, help="file to append to")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # as the kernels they are compared with
    serve() if args.serve else alone(args)


if __name__ == "__main__":
    main()
