"""Turn digits of MNIST into recordings of an event camera for `--task recordings`, without a camera.

    python mnist_to_recordings.py MNIST OUT --train 6000 --test 1000
    galvani train --task recordings --data-dir OUT --model lif --hidden 128

A digit moves in front of a sensor of 34 x 34 pixels along a triangle, three times 100 ms, as those of N-MNIST do (Orchard
et al. 2015, doi:10.3389/fnins.2015.00437). A pixel sends an event when its brightness has moved by --threshold since the
last one. Each picture is a file of 5-byte events, x, y, polarity and microseconds, in OUT/Train/DIGIT or OUT/Test/DIGIT.
MNIST holds the four files of the set, plain or with the ending .gz.

Needs numpy.
"""

import argparse
import gzip
import pathlib

import numpy as np

SIDE, STEPS, MS = 34, 30, 10
CORNERS = np.array([[0, 0], [3, 6], [6, 0], [0, 0]], float)  # top left of the digit: x and y in pixels


def read(folder, name, offset):
    plain = folder / name
    data = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=offset)


def moved(digit, at):
    """The digit with its top left at a place between pixels, by linear interpolation."""
    out = np.zeros((SIDE + 1, SIDE + 1))
    (x, y), (u, v) = at.astype(int), at % 1
    for dx, dy, w in ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v)):
        out[y + dy:y + dy + 28, x + dx:x + dx + 28] += w * digit
    return out[:SIDE, :SIDE]


def events(digit, threshold):
    """x, y, polarity and microseconds of the events while the digit moves."""
    all, last = [], moved(digit, CORNERS[0])
    for step in range(STEPS):
        t = (step + 1) * 3 / STEPS
        k = min(int(t), 2)
        now = moved(digit, CORNERS[k] + (t - k) * (CORNERS[k + 1] - CORNERS[k]))
        n = np.trunc((now - last) / threshold).astype(int)
        last = last + n * threshold
        y, x = np.nonzero(n)
        times = np.abs(n[y, x])
        e = np.repeat(np.stack([x, y, n[y, x] > 0, np.full(len(x), (step * MS + MS // 2) * 1000)], 1), times, 0)
        all.append(e)
    return np.concatenate(all)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=6000, help="pictures of the training set, the first ones")
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--threshold", type=float, default=0.3, help="in parts of the largest brightness")
    args = parser.parse_args()
    for part, prefix, n in (("Train", "train", args.train), ("Test", "t10k", args.test)):
        digits = read(args.mnist, f"{prefix}-images-idx3-ubyte", 16)[:784 * n].reshape(-1, 28, 28) / 255
        labels = read(args.mnist, f"{prefix}-labels-idx1-ubyte", 8)[:n]
        count = 0
        for k, (digit, label) in enumerate(zip(digits, labels)):
            e = events(digit, args.threshold)
            count += len(e)
            out = np.empty((len(e), 5), np.uint8)
            out[:, 0], out[:, 1] = e[:, 0], e[:, 1]
            out[:, 2] = e[:, 2] << 7 | e[:, 3] >> 16
            out[:, 3], out[:, 4] = e[:, 3] >> 8 & 255, e[:, 3] & 255
            folder = args.out / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{k:05}.bin").write_bytes(out.tobytes())
        print(f"{args.out / part}: {len(labels)} recordings, {count / max(1, len(labels)):.0f} events each")


main()
