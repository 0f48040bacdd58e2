package setting

import "strings"

// Elsewhere is what PyTorch, Lightning, PsychRNN, NeuroGym and papers call what has another name here: commands, flags and
// keys, models, tasks.
var Elsewhere = map[string]string{
	"accelerator": "device", "gpu": "device", "gpus": "device", "cuda": "device", "algorithm": "rule",
	"accumulate-grad-batches": "accumulate", "gradient-accumulation-steps": "accumulate",
	"batch-size": "batch", "n-batch": "batch", "bs": "batch", "learning-rate": "lr", "max-lr": "lr",
	"hidden-size": "hidden", "hidden-dim": "hidden", "hidden-units": "hidden", "n-hidden": "hidden", "n-rec": "hidden", "num-units": "hidden", "d-model": "hidden",
	"num-layers": "layers", "n-layers": "layers", "nonlinearity": "activation", "transfer-function": "activation",
	"max-epochs": "epochs", "num-epochs": "epochs", "n-epochs": "epochs", "nb-epochs": "epochs", "iterations": "max-steps", "training-iters": "max-steps", "max-iters": "max-steps",
	"fast-dev-run": "max-steps", "optim": "optimizer", "lr-scheduler": "schedule", "scheduler": "schedule", "warmup-steps": "warmup", "wd": "weight-decay",
	"grad-clip": "clip", "clip-grad": "clip", "clip-grads": "clip", "clip-grad-norm": "clip", "max-grad-norm": "clip", "gradient-clip-val": "clip",
	"early-stopping": "patience", "performance-cutoff": "stop-at", "stopping-threshold": "stop-at", "val-check-interval": "eval-every", "val-split": "validation",
	"limit-train-batches": "train-limit", "every-n-train-steps": "checkpoint-every", "save-every": "checkpoint-every",
	"ckpt-path": "resume", "resume-from-checkpoint": "resume", "checkpoint": "init-from", "load": "init-from", "weights": "init-from", "pretrained": "init-from", "load-weights-path": "init-from",
	"dataset": "task", "env": "task", "env-id": "task", "data-path": "data-dir", "root": "data-dir",
	"log-dir": "runs-dir", "logdir": "runs-dir", "output-dir": "runs-dir", "save-dir": "runs-dir", "default-root-dir": "runs-dir", "out-dir": "runs-dir",
	"num-workers": "threads", "num-threads": "threads", "manual-seed": "seed", "random-seed": "seed", "random-state": "seed", "num-seeds": "seeds",
	"init-state-train": "h0", "dale-ratio": "ei-ratio", "rec-connectivity": "rec-mask", "l2-firing-rate": "rate-l2",
	"test": "eval", "validate": "eval", "evaluate": "eval", "predict": "trace", "fit-model": "train", "tune": "sweep", "plot": "report", "tensorboard": "watch", "list": "runs", "show": "runs",
	"basic": "rate", "ctrnn": "rate", "leaky-rnn": "rate", "leakyrnn": "rate", "vanilla-rnn": "rnn", "elman": "rnn", "nn.rnn": "rnn", "basiclstm": "lstm", "nn.lstm": "lstm", "nn.gru": "gru", "snn": "lif",
	"perceptualdecisionmaking": "perceptual", "perceptualdiscrimination": "perceptual", "rdm": "perceptual", "contextdecisionmaking": "context",
	"delaymatchsample": "dms", "delayedmatchtosample": "dms", "matchtocategory": "dms", "delayedmatchtocategory": "dms", "readysetgo": "ready-set-go",
	"multisensoryintegration": "multisensory", "gonogo": "go-nogo", "antireach": "anti-reach", "intervaldiscrimination": "interval-discrimination",
	"delaycomparison": "delay-comparison", "delayeddiscrimination": "delay-comparison", "delaypairedassociation": "paired-association",
	"smnist": "mnist-pixels", "sequential-mnist": "mnist-pixels", "psmnist": "mnist-permuted", "row-mnist": "mnist-rows", "n-mnist": "recordings", "nmnist": "recordings", "dvs-gesture": "recordings",
	"shd": "file", "ssc": "file", "npz": "file", "csv": "file", "custom": "file", "adding-problem": "adding", "copy-memory": "copy",
}

// plain returns a name as Elsewhere has it: without dashes before and the version behind, in small letters, with dashes.
func plain(name string) string {
	name = strings.ReplaceAll(strings.ToLower(strings.TrimLeft(name, "-")), "_", "-")
	return strings.TrimSuffix(strings.TrimSuffix(name, "-v0"), "-v1")
}

// Here returns which of the known names stands for one that another program has.
func Here(name string, known []string) (string, bool) {
	ours, ok := Elsewhere[plain(name)]
	for _, k := range known {
		if ok && plain(k) == ours {
			return k, true
		}
	}
	return "", false
}
