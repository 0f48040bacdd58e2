"""Times the cells in another framework, forward and backward, as fast as it goes plainly.

--with names the framework, torch or jax. Without --serve it prints one JSON line per cell and
shape, of the schema of bench/row.go. With --serve it answers requests, one JSON object a line, from
`galvani bench cpu --peers`, which alternates between its own kernels and this program.
"""

import argparse
import importlib
import json
import math
import os
import platform
import signal
import statistics
import sys
import time


# Answers go where stdout led; what a framework prints (NEST does) goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def absent(error, remedy):
    """Ends the program for want of a module."""
    text = f"{type(error).__name__}: {error}".replace("\n", " ")
    print(json.dumps({"error": f"{text} in {sys.executable}; {remedy}name another Python with --python"}), file=ANSWERS)
    sys.exit(1)


try:
    import numpy as np

    import tensors
except ImportError as e:
    absent(e, "")

# What --with takes, and how to get it.
FRAMEWORKS = {"torch": "pip install torch", "jax": "pip install jax", "numpy": "pip install numpy",
              "neuron": "pip install neuron", "jaxley": "pip install jaxley",
              "brian2": "pip install brian2 cython setuptools 'numpy<2.4'", "nest": "pip install nest-simulator"}

WARM_UP = 5  # compilers and the profiler of torch.jit.script want a few runs before they have settled


def gate(problem, arrays):
    """Returns the largest relative deviation of h and the gradients of a problem."""
    h, grads = problem.results()
    return max([tensors.deviation(h, arrays["h"])] + [tensors.deviation(g, arrays["grad.cell." + k]) for k, g in grads.items()])


def seconds(framework, run, repeat):
    """Times repeats after one that is not timed: it finds threads asleep and caches cold. On a GPU
    all are queued and waited for once, and their mean is the one number."""
    framework.wait(run())
    rounds, each = (1, repeat) if framework.cuda else (repeat, 1)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(each):
            out = run()
        framework.wait(out)
        times.append((time.perf_counter() - start) / each)
    return times


def finite(values):
    """Returns nested lists of numbers with null for those that JSON has not."""
    if isinstance(values, list):
        return [finite(v) for v in values]
    return None if values is None or not math.isfinite(values) else values


def serve(framework):
    def answer(**fields):
        print(json.dumps(fields), file=ANSWERS, flush=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of stdin ends this, not the terminal
    answer(name=framework.name, forms=getattr(framework, "cables", getattr(framework, "networks", framework.forms)))
    run = network = None
    for line in sys.stdin:
        r = json.loads(line)
        try:
            if r["do"] == "load":
                arrays, metadata = tensors.load(r["file"])
                model = metadata["model"]
                problem = framework.problem(model, r["form"], arrays, tensors.settings(metadata))
                run = problem.forward if r["what"] == "forward" else problem.both
                seconds(framework, run, WARM_UP)
                answer(gate=gate(problem, arrays))
            elif r["do"] == "product":
                run = framework.product(r["size"])
                answer()
            elif r["do"] == "circuit":
                arrays, _ = tensors.load(r["file"])
                circuit = framework.circuit(arrays, r["circuit"])
                run = circuit.run
                answer(gate=circuit.gate())
            elif r["do"] == "cable":
                cable = framework.cable(r["what"], r["cable"])
                run = cable.run
                run()
                traces, gradient = cable.results()
                answer(traces=finite(traces), gradient=finite(gradient))
            elif r["do"] == "network":
                network = framework.network(r["what"], r["size"], r["ms"], r.get("network"))
                answer(rate=network.rate(), build=network.build)
            elif network:
                answer(seconds=[network.run() for _ in range(r["repeat"])])
            else:
                answer(seconds=seconds(framework, run, r["repeat"]), memory=framework.memory())
        except Exception as e:  # whatever a framework or its compiler throws
            answer(error=f"peers.py: {type(e).__name__}: {e}".replace("\n", " "))


DEFAULTS = {"dt": 0.2, "tau_s": 2.0, "tau_l": 8.0, "syn_kernel": "ema_diff_relu", "signs": "restoring"}
GATES = {"crnn-simple": 1, "rnn": 1, "gru": 3, "lstm": 4}


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


def alone(framework, args):
    rng = np.random.default_rng(1)
    head = {
        "schema": 1, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "threads": framework.threads,
                    "isa": "", "os": sys.platform, "arch": platform.machine(), "load": os.getloadavg()[0]},
        "program": {"version": "python " + platform.python_version() + ", " + framework.name, "commit": ""},
    }
    for text in args.shapes:
        shape = dict(zip("BHT", map(int, text.split(","))), I=28)
        for model, form in framework.peers:
            if model not in GATES:
                continue
            problem = framework.problem(model, form, random_problem(model, shape, rng), DEFAULTS)
            seconds(framework, problem.both, WARM_UP)
            s = seconds(framework, problem.both, args.repeats)
            median = statistics.median(s)
            # 95 % by resampling the repeats; only `galvani bench cpu --peers` has blocks.
            draws = np.sort(np.median(rng.choice(s, (2000, len(s))), axis=1))
            flops = 6.0 * GATES[model] * shape["B"] * shape["H"] ** 2 * shape["T"]
            row = dict(head, case="peer", model=model, what="forward+backward", shape=shape, subject={
                "name": framework.name + " " + form, "flops": flops, "seconds": s, "median": median,
                "interval": [float(draws[50]), float(draws[1949])]})
            print(json.dumps(row), file=args.out, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", action="store_true", help="answer requests on stdin")
    parser.add_argument("--with", choices=FRAMEWORKS, default="torch", dest="framework")
    parser.add_argument("--threads", type=int, default=0, help="threads of the framework, 0 for its own choice")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--precision", choices=("fp32", "tf32", "fp16", "bf16"), default="fp32")
    parser.add_argument("--shapes", nargs="+", default=["32,256,200", "32,512,200", "64,128,200"], metavar="B,H,T")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=argparse.FileType("a"), default=ANSWERS, help="file to append to")
    args = parser.parse_args()
    try:
        framework = importlib.import_module("with_" + args.framework).Framework(args.threads, args.device, args.precision)
    except ValueError as e:
        print(json.dumps({"error": str(e).replace("\n", " ")}), file=ANSWERS)
        sys.exit(1)
    except Exception as e:  # not only ImportError: brian2 asks numpy for what numpy 2.4 has no more
        absent(e, FRAMEWORKS[args.framework] + ", or ")
    serve(framework) if args.serve else alone(framework, args)


if __name__ == "__main__":
    main()
