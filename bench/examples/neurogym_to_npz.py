"""Write a NeuroGym data set to arrays for `--task file`.

    python neurogym_to_npz.py PerceptualDecisionMaking-v0 OUT
    galvani train --task file --data-dir OUT --model lstm

Needs neurogym.
"""

import pathlib
import sys

import neurogym as ngym
import numpy as np

name, out = sys.argv[1], pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
data = ngym.Dataset(name, env_kwargs={"dt": 100}, batch_size=16, seq_len=100)
for part, batches in (("train", 64), ("test", 16)):
    # Inputs [100,16,I] and labels [100,16] are parts of arrays that are filled anew.
    pairs = [tuple(a.copy() for a in data()) for _ in range(batches)]
    x, label = (np.concatenate([p[k] for p in pairs], axis=1) for k in (0, 1))
    np.savez(out / f"{part}.npz", x=x.astype(np.float32), label=label.astype(np.int64))
    print(f"{part}.npz: {x.shape[1]} sequences of {len(x)} steps, {x.shape[2]} inputs; {np.mean(label == 0):.1%} of the labels are 0")
(out / "data.toml").write_text('layout = "time"\nstep_ms = 100\n')
