"""Count the updates and the seconds that a supervised example takes to an accuracy, there and here.

    python supervised.py neurogym --galvani bin/galvani --out bench/results/supervised.jsonl
    python supervised.py psychrnn --accuracy 0.9 --galvani bin/galvani --out bench/results/supervised.jsonl

neurogym: the supervised example of NeuroGym's documentation: PerceptualDecisionMaking at dt = 100 ms, sequences of 100
steps, 16 at once, torch.nn.LSTM with 64 units, Adam with a rate of 0.01, cross entropy at every step. Galvani trains an
lstm of as many units on its task perceptual, whose trials are those of NeuroGym, by the same rule at the same rate; an
update has 73 trials of 22 steps each, as many as 16 sequences of 100 steps hold, each from rest.

psychrnn: the first example of PsychRNN's documentation: PerceptualDiscrimination with dt = 10 ms, tau = 100 ms and T = 2000
ms, 50 trials at once, Basic with 50 units, Adam with a rate of 0.001, mean squares under a mask. Galvani reads trials that
PsychRNN has drawn (task file) and trains rate with 50 units, rectified, with a membrane time constant of 10 steps, at the
same rate by cross entropy: class 0 for the two steps behind the stimulus, then that of the right channel, nothing before.

Every --every updates both decide 2000 trials that they do not learn from, each from rest: for neurogym by the largest
answer in the last step, for psychrnn there by the larger mean under the mask and here by the first answer but class 0. The
seconds are those of the updates, trials drawn included and evaluations left out; "alone" of the peer leaves out the
drawing, too. Galvani draws those of its task, and reads those of files.

Needs torch and neurogym, or psychrnn and tensorflow.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")

TRIALS, STEPS = 2000, 22


def neurogym(seed, args):
    import neurogym as ngym
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(seed)
    data = ngym.Dataset("PerceptualDecisionMaking-v0", env_kwargs={"dt": 100}, batch_size=16, seq_len=100)
    data.seed(seed)
    held = ngym.make("PerceptualDecisionMaking-v0", dt=100).unwrapped
    held.reset(seed=seed + 1000)
    shown, right = np.zeros((STEPS, TRIALS, 3), np.float32), np.zeros(TRIALS, np.int64)
    for k in range(TRIALS):
        held.new_trial()
        shown[:, k], right[k] = held.ob, held.gt[-1]
    shown, right = torch.from_numpy(shown), torch.from_numpy(right)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.linear = torch.nn.LSTM(3, 64), torch.nn.Linear(64, 3)

        def forward(self, x):
            return self.linear(self.lstm(x)[0])

    net = Net()
    optimizer, loss = torch.optim.Adam(net.parameters(), lr=0.01), torch.nn.CrossEntropyLoss()
    seconds = alone = 0.0
    curve = []
    for update in range(1, args.most + 1):
        begin = time.perf_counter()
        x, y = data()
        drawn = time.perf_counter()
        x, y = torch.from_numpy(x).float(), torch.from_numpy(y.flatten()).long()
        optimizer.zero_grad()
        loss(net(x).view(-1, 3), y).backward()
        optimizer.step()
        end = time.perf_counter()
        seconds, alone = seconds + end - begin, alone + end - drawn
        if update % args.every == 0:
            with torch.no_grad():
                accuracy = float((net(shown)[-1].argmax(1) == right).float().mean())
            curve.append([update, round(seconds, 4), round(accuracy, 4), round(alone, 4)])
            if accuracy >= args.accuracy:
                break
    return "neurogym " + ngym.__version__ + ", torch " + torch.__version__.split("+")[0], curve


def psychrnn(seed, args):
    """The network of PsychRNN's first example on its perceptual discrimination."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import importlib.metadata
    import tensorflow as tf
    from psychrnn.backend.models.basic import Basic
    from psychrnn.tasks.perceptual_discrimination import PerceptualDiscrimination

    np.random.seed(seed)
    tf.compat.v1.reset_default_graph()
    tf.compat.v1.set_random_seed(seed)
    task = PerceptualDiscrimination(dt=10, tau=100, T=2000, N_batch=50)
    held = [task.get_trial_batch() for _ in range(TRIALS // 50)]
    model = Basic({**task.get_task_params(), "name": f"basic{seed}", "N_rec": 50})
    curve = []

    def batches():  # train takes one to look at its shape, then one for each update
        yield task.get_trial_batch()
        seconds = alone = 0.0
        for update in range(1, args.most + 1):
            begin = time.perf_counter()
            batch = task.get_trial_batch()
            drawn = time.perf_counter()
            yield batch
            end = time.perf_counter()
            seconds, alone = seconds + end - begin, alone + end - drawn
            if update % args.every == 0:
                right = [task.accuracy_function(y, model.test(x)[0], mask) for x, y, mask, _ in held]
                curve.append([update, round(seconds, 4), round(float(np.mean(right)), 4), round(alone, 4)])
                if curve[-1][2] >= args.accuracy:
                    return

    try:
        model.train(batches(), {"training_iters": 1 << 40, "verbosity": False})
    except (StopIteration, RuntimeError):
        pass  # there are no more batches
    model.destruct()
    return f"psychrnn {importlib.metadata.version('psychrnn')}, tensorflow {tf.__version__}", curve


def drawn_trials(folder):
    """Trials of PsychRNN as arrays of the task file."""
    from psychrnn.tasks.perceptual_discrimination import PerceptualDiscrimination

    np.random.seed(0)
    task = PerceptualDiscrimination(dt=10, tau=100, T=2000, N_batch=50)
    for part, count in (("train", 4000), ("test", TRIALS)):
        batches = [task.get_trial_batch() for _ in range(count // 50)]
        x, y, mask = (np.concatenate([b[k] for b in batches]) for k in range(3))
        label = np.where(y.max(2) > 0, 1 + y.argmax(2), 0)
        np.savez(pathlib.Path(folder) / f"{part}.npz", x=x.astype(np.float32), label=np.where(mask[:, :, 0] > 0, label, -100))
    (pathlib.Path(folder) / "data.toml").write_text('classes = ["wait", "left", "right"]\nmetric = "trials"\nstep_ms = 10\n')


def galvani(seed, args, folder):
    if args.example == "neurogym":
        batch, task = 73, ["--task", "perceptual", "--model", "lstm", "--hidden", "64", "--lr", "0.01", "--fixation-weight", "1", "--validation", "0.4"]
    else:
        batch, task = 50, ["--task", "file", "--data-dir", folder, "--validation", "0", "--model", "rate", "--hidden", "50", "--activation", "relu",
            "--tau-s", "1", "--tau-r", "10", "--learn", "none", "--lr", "0.001"]
    done = subprocess.run([args.galvani, "train", *task, "--batch", str(batch), "--optimizer", "adam", "--schedule", "constant", "--eval-every", str(args.every),
        "--max-steps", str(args.most), "--epochs", "1000", "--threads", str(args.threads), "--seed", str(seed), "--device", "cpu",
        "--plots", "none", "--quiet", "--runs-dir", folder], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    seconds, curve = 0.0, []
    for line in (pathlib.Path(done.stdout.strip()) / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "sequences_per_second" in row:
            seconds += batch / row["sequences_per_second"]
        accuracy = row.get("validation_accuracy", row.get("test_accuracy"))
        if accuracy is not None:
            curve.append([row["step"], round(seconds, 4), round(accuracy, 4)])
            if accuracy >= args.accuracy:
                break
    return curve


def reached(curves, accuracy):
    """Medians of updates and seconds of the runs; None where one did not come there."""
    ends = [c[-1] for c in curves]
    if any(e[2] < accuracy for e in ends):
        return {"runs": len(ends), "reached": sum(e[2] >= accuracy for e in ends)}
    found = {"runs": len(ends), "reached": len(ends), "updates": float(np.median([e[0] for e in ends])), "seconds": float(np.median([e[1] for e in ends]))}
    if len(ends[0]) > 3:
        found["alone"] = float(np.median([e[3] for e in ends]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("example", choices=["neurogym", "psychrnn"])
    parser.add_argument("--galvani", default="bin/galvani")
    parser.add_argument("--accuracy", type=float, default=0.88, help="part of the trials that is decided rightly")
    parser.add_argument("--most", type=int, default=2000, help="updates of a run")
    parser.add_argument("--every", type=int, default=20, help="updates between evaluations")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="file to append the row to")
    args = parser.parse_args()
    curves = {"peer": [], "galvani": []}
    with tempfile.TemporaryDirectory() as folder:
        if args.example == "psychrnn":
            drawn_trials(folder)
        for seed in range(1, args.seeds + 1):  # in turns, so that both meet the same machine
            name, curve = {"neurogym": neurogym, "psychrnn": psychrnn}[args.example](seed, args)
            curves["peer"].append(curve)
            curves["galvani"].append(galvani(seed, args, folder))
            print(seed, curves["peer"][-1][-1], curves["galvani"][-1][-1], file=sys.stderr, flush=True)
    version = json.loads(subprocess.run([args.galvani, "version", "--json"], check=True, capture_output=True, text=True).stdout)
    version["commit"] = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    row = {"schema": 1, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {"cpu": processor(), "cores": os.cpu_count(), "threads": args.threads, "os": sys.platform, "arch": platform.machine(), "load": os.getloadavg()[0]},
        "program": version, "case": "supervised", "what": args.example, "accuracy": args.accuracy, "peer": name,
        "there": reached(curves["peer"], args.accuracy), "here": reached(curves["galvani"], args.accuracy), "curves": curves}
    line = json.dumps(row)
    if args.out:
        with open(args.out, "a") as file:
            file.write(line + "\n")
    print(json.dumps({k: row[k] for k in ("peer", "accuracy", "there", "here")}, indent=1))


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


main()
