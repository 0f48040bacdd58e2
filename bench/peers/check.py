"""Holds a trace of `galvani trace` to PyTorch: the same hidden states, logits, loss and gradients.

    galvani trace RUN --out trace.safetensors
    python3 check.py trace.safetensors [more traces]

Parameters and settings come from the checkpoint that the trace names, or from --checkpoint.
PyTorch computes in float64. Exit code 0 means that everything agrees, 1 that something differs,
2 that there is nothing to compare.
"""

import argparse
import json
import sys

import numpy as np
import torch

import cells
import tensors

# float32 against float64 over a few hundred steps; the bound of the house for gradients.
TOLERANCE = 1e-4


def loss_of(logits, y, weight):
    """Returns the weighted mean over the rows: softmax cross-entropy for labels, else the mean
    squared error."""
    w = weight.reshape(-1)
    rows = logits.reshape(len(w), -1)
    if y.dtype == torch.int64:
        each = torch.nn.functional.cross_entropy(rows, y.reshape(-1), reduction="none")
    else:
        each = ((rows - y.reshape(len(w), -1)) ** 2).mean(1)
    return (w * each).sum() / w.sum()


def compute(trace, params, model, config):
    """Returns what PyTorch makes of the inputs of the trace, by the names of the trace."""
    double = {k: torch.from_numpy(v.astype(np.float64)) for k, v in params.items()}
    cell = {k[len("cell."):]: v for k, v in double.items() if k.startswith("cell.")}
    readout = {k: double[k].requires_grad_() for k in ("readout.weight", "readout.bias")}
    x = torch.from_numpy(trace["x"].astype(np.float64))
    y = torch.from_numpy(trace["y"].copy())
    weight = torch.from_numpy(trace["weight"].astype(np.float64))
    mask = torch.from_numpy(trace["mask"].copy()) if "mask" in trace else None

    h, leaves = cells.run(model, x, cell, config, mask)
    every = weight.dim() == 2
    logits = (h if every else h[-1]) @ readout["readout.weight"].T + readout["readout.bias"]
    loss = loss_of(logits, y if y.dtype == torch.int64 else y.to(torch.float64), weight)
    loss.backward()
    grads = {"grad.cell." + k: v.grad for k, v in leaves.items()}
    grads.update({"grad." + k: v.grad for k, v in readout.items()})
    values = {"h": h, "logits": logits, "loss": loss, **grads}
    return {k: v.detach().numpy() for k, v in values.items() if v is not None}


def check(trace_path, checkpoint_path=None):
    """Returns the model and the deviation of each tensor of the trace, by name."""
    trace, about = tensors.load(trace_path)
    params, metadata = tensors.load(checkpoint_path or about["checkpoint"])
    model = json.loads(metadata["state"])["model"]
    names = ["h", "logits", "loss"] + sorted(k for k in trace if k.startswith("grad."))
    if not any(k.startswith("grad.cell.") for k in names):
        raise ValueError("there are no gradients of the cell in it")
    want = compute(trace, params, model, tensors.settings(metadata))
    return model, {k: tensors.deviation(trace[k], want[k]) for k in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("traces", nargs="+", metavar="trace", help="file of galvani trace")
    parser.add_argument("--checkpoint", help="checkpoint of the traced network (default: as the trace says)")
    args = parser.parse_args()
    code = 0
    for path in args.traces:
        try:
            model, found = check(path, args.checkpoint)
        except (OSError, ValueError, KeyError, RuntimeError) as e:
            print(f"check.py: {path}: {type(e).__name__}: {e}".replace("\n", " "), file=sys.stderr)
            return 2
        wrong = [k for k, d in found.items() if not d <= TOLERANCE]
        for name, d in found.items():
            print(f"{d:9.2e}  {name}{'  DIFFERS' if name in wrong else ''}")
        print(f"{model}, torch {torch.__version__}: {len(found)} tensors, {len(wrong)} differ by more than {TOLERANCE:g}")
        code = max(code, 1 if wrong else 0)
    return code


if __name__ == "__main__":
    sys.exit(main())
