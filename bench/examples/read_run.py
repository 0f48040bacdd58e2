"""Read what a run of Galvani leaves, with NumPy and pandas.

    galvani train --task perceptual --model rate --dale --quiet > run.txt
    galvani export $(cat run.txt) --to npz
    galvani analyse $(cat run.txt)
    python read_run.py $(cat run.txt)

Needs numpy and pandas.
"""

import json
import pathlib
import sys

import numpy as np
import pandas as pd

run = pathlib.Path(sys.argv[1])

# Metrics: a row for each update and for each evaluation; a metric that a row lacks is NaN.
metrics = pd.read_json(run / "metrics.jsonl", lines=True).set_index("step")
held = metrics["validation_loss"].dropna()
print(f"{len(metrics['loss'].dropna())} updates, {len(held)} evaluations; least validation loss {held.min():.4f}")

# How the run ended, and on what it ran.
status, env = (json.loads((run / name).read_text()) for name in ("status.json", "env.json"))
print("phase:", status["phase"], "- seed:", env["seed"])

# Weights that act: signs and masks are applied. Matrices are W[post, pre].
weights = np.load(run / "weights.npz")
recurrent = weights["cell.W"]
radius = np.abs(np.linalg.eigvals(recurrent)).max()
columns = np.sign(recurrent).sum(axis=0)
print(f"recurrent {recurrent.shape}, spectral radius {radius:.3f}, {(columns > 0).sum()} units excite, {(columns < 0).sum()} inhibit")

# States: courses [condition, step, unit] and their principal components.
found = np.load(run / "analysis" / "analysis.npz")
courses, axes, mean = found["courses"], found["pca.axes"], found["pca.mean"]
projected = (courses - mean) @ axes.T
assert np.allclose(projected, found["pca.courses"]), "the courses along the axes are those of the file"
share = found["pca.variance"][:2].sum() / found["pca.variance"].sum()
print(f"courses {courses.shape}; two components have {100 * share:.1f} % of their variance")

# Units as a table, the most selective first.
units = pd.DataFrame({"selectivity": found["tuning.selectivity"], "preferred": found["tuning.preferred"], "mean": found["tuning.mean"].mean(axis=0)})
print(units.sort_values("selectivity", ascending=False).head(3).to_string())
