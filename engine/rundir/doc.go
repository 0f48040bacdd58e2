// Package rundir keeps the directory of a training run: configuration, metrics, checkpoints,
// plots and status. A crash, a kill or a full disk at any moment leaves every file either as
// it was or as it was to become, and never costs a checkpoint that Save has acknowledged.
//
//	runs/20261103T141500Z-crnn-looming/
//	  config.toml       settings, complete; reproduces the run
//	  env.json          program, modules, machine, device, seed, begin
//	  status.json       running, stopped, completed or failed
//	  metrics.jsonl     one row per report
//	  log.jsonl         what happened
//	  events.out.tfevents.*   the metrics for TensorBoard
//	  checkpoints/      step-000000012000.safetensors, best.safetensors
//	  plots/            PNG and SVG
//	  references.bib    the papers behind the model and the task
//	  lock              held by the process that writes
//
// It imports engine/chart, engine/safetensors and leaves. Engine, bench/rows and command galvani import it.
package rundir
