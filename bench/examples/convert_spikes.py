"""Convert spikes in HDF5, as the Spiking Heidelberg Digits have them, to arrays for `--task file`.

    python convert_spikes.py FOLDER OUT --bin-ms 10 --pool 5
    galvani train --task file --data-dir OUT --model lif --hidden 128

FOLDER holds one file whose name ends in train.h5 and one in test.h5, or in .h5.gz as they are downloaded. Each has
spikes/times (a list of float16 or float32 for each sequence, in s), spikes/units (likewise, uint16), labels [sequences],
and where they are known the names of the classes in extra/keys; extra/speaker and extra/meta_info are left out. That is
the layout of SHD and SSC (Cramer et al. 2020, doi:10.1109/TNNLS.2020.3044364), and other recordings, such as DVS Gesture,
convert to it easily. OUT gets train.npz, test.npz and data.toml: the number of spikes in each bin of --bin-ms and in each
group of --pool neighbouring units, sequences behind each other with their lengths in steps.

Needs numpy and h5py.
"""

import argparse
import gzip
import io
import json
import pathlib
import sys

import h5py
import numpy as np


def counts(times, units, args, inputs):
    """Spikes [steps, inputs] of a sequence, at most 255 in a place."""
    step = np.asarray(times, np.float64) * 1000 // args.bin_ms
    if args.most_ms:
        kept = step < args.most_ms / args.bin_ms
        step, units = step[kept], np.asarray(units)[kept]
    steps = int(step.max()) + 1 if len(step) else 1
    x = np.zeros((steps, inputs), np.int64)
    np.add.at(x, (step.astype(int), np.asarray(units, int) // args.pool), 1)
    return np.minimum(x, 255).astype(np.uint8)


def opened(path):
    """The file, which has to have the layout."""
    try:
        file = h5py.File(io.BytesIO(gzip.decompress(path.read_bytes())) if path.suffix == ".gz" else path, "r")
    except (OSError, EOFError) as e:
        sys.exit(f"{path}: it is no file of HDF5 ({e}); download it again")
    for name in ("spikes/times", "spikes/units", "labels"):
        if name not in file:
            sys.exit(f"{path}: it has no {name}, want spikes/times, spikes/units and labels; it has {', '.join(file)}")
    if not len(file["spikes/times"]) == len(file["spikes/units"]) == len(file["labels"]) > 0:
        sys.exit(f"{path}: {len(file['spikes/times'])} lists of times, {len(file['spikes/units'])} of units and {len(file['labels'])} labels, want as many of each")
    return file


def convert(path, out, args, inputs):
    with opened(path) as file:
        times, units = file["spikes/times"], file["spikes/units"]
        for i in range(len(times)):
            if len(times[i]) != len(units[i]) or not (np.asarray(times[i], np.float64) >= 0).all():
                sys.exit(f"{path}: sequence {i} has {len(times[i])} times and {len(units[i])} units, want as many, and times from 0 on")
        x = [counts(times[i], units[i], args, inputs) for i in range(len(times))]
        labels = file["labels"][:].astype(np.int64)
    lengths = np.array([len(s) for s in x], np.int64)
    np.savez_compressed(out, x=np.concatenate(x), label=labels, lengths=lengths)
    print(f"{out}: {len(x)} sequences, {lengths.min()} to {lengths.max()} steps, {inputs} inputs, {np.mean([s.sum() for s in x]):.1f} spikes each")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--bin-ms", type=float, default=10, help="duration of a step")
    parser.add_argument("--pool", type=int, default=1, help="neighbouring units that make one input")
    parser.add_argument("--most-ms", type=float, default=0, help="leave out what comes later; 0 for nothing")
    args = parser.parse_args()
    files = {}
    for part in ("train", "test"):
        found = sorted(args.folder.glob(f"*{part}.h5")) or sorted(args.folder.glob(f"*{part}.h5.gz"))
        if len(found) != 1:
            sys.exit(f"{args.folder}: {len(found)} files end in {part}.h5 or {part}.h5.gz, want one")
        files[part] = found[0]
    most, names = 0, None
    for path in files.values():
        with opened(path) as file:
            most = max([most] + [int(np.max(u)) for u in file["spikes/units"] if len(u)])
            if "extra/keys" in file:
                names = [key.decode() for key in file["extra/keys"][:]]
    args.out.mkdir(parents=True, exist_ok=True)
    for part, path in files.items():
        convert(path, args.out / f"{part}.npz", args, most // args.pool + 1)
    about = [f'doc = "spikes of {files["train"].name}"', 'x_unit = "spikes"', f"step_ms = {args.bin_ms:g}"]
    if names:
        about.append("classes = " + json.dumps(names, ensure_ascii=False))
    (args.out / "data.toml").write_text("\n".join(about) + "\n")


main()
