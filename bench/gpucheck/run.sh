#!/usr/bin/env bash
# Checks Galvani on an NVIDIA GPU. `make gpu-check` puts this script with the programs that it
# runs into one folder; copy that folder to a machine with a driver and start it there. Nothing
# else is needed: no Go, no CUDA toolkit.
#
#   run.sh [RESULTS]     runs everything; logs and rows go to RESULTS (default ./results)
#   STEPS="devices conformance" run.sh    runs the named steps only
#
# The exit code is the number of steps that failed.
set -uo pipefail
cd "$(dirname "$0")"
out=${1:-$PWD/results}
mkdir -p "$out"
steps=${STEPS:-devices conformance training memcheck racecheck accuracy latency bench}
passed=0 failed=0 skipped=0

# step NAME COMMAND... runs one step; exit code 3 means skipped. All of its output goes to
# RESULTS/NAME.log, the end of it also to the terminal.
step() {
	local name=$1 start=$SECONDS code=0
	shift
	case " $steps " in *" $name "*) ;; *) return ;; esac
	printf '\n=== %s\n' "$name"
	( "$@" ) > "$out/$name.log" 2>&1 || code=$?
	tail -n "${LINES_SHOWN:-15}" "$out/$name.log"
	case $code in
		0) passed=$((passed + 1)); printf -- '--- PASS: %s (%ds)\n' "$name" $((SECONDS - start)) ;;
		3) skipped=$((skipped + 1)); printf -- '--- SKIP: %s\n' "$name" ;;
		*) failed=$((failed + 1)); printf -- '--- FAIL: %s (exit %d, %ds), see %s\n' "$name" "$code" $((SECONDS - start)) "$out/$name.log" ;;
	esac
}

# devices lists them and asks for the first GPU by name: an error where it is not usable.
devices() {
	nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem --format=csv || true
	./galvani version
	./galvani devices
	./galvani train --quiet --device cuda --max-steps 1 --runs-dir "$out/runs"
}

# conformance holds every kernel to the CPU: cells, layouts, precisions, losses, updates.
conformance() { ./kernels.test -test.v; }

# training compares ten losses of every model with the CPU's, two runs bit by bit, and a run
# that changes devices.
training() { ./galvani.test -test.run 'TestGPU' -test.v; }

# small is a run of the least size that reaches every kernel.
small=(train --quiet --task looming --facets 3 --steps 8 --train-size 24 --test-size 8 --batch 8 --hidden 8 --epochs 1)

# sanitize TOOL runs each model under a tool of compute-sanitizer.
sanitize() {
	local model code=0
	if ! command -v compute-sanitizer; then
		echo 'compute-sanitizer is not installed'
		return 3
	fi
	for model in $(./galvani models list --json | grep -o '"name":"[^"]*"' | cut -d'"' -f4); do
		echo "--- $model"
		compute-sanitizer --tool "$1" --error-exitcode 9 \
			./galvani "${small[@]}" --model "$model" --device cuda --runs-dir "$out/runs" || code=1
	done
	return $code
}

# accuracy trains on looming to a floor that both cells pass on the CPU with ease.
accuracy() {
	local model text code=0
	for model in crnn lstm; do
		text=$(./galvani train --json --model "$model" --device cuda --runs-dir "$out/runs") || return 1
		echo "$text" | tail -n 1
		echo "$text" | tail -n 1 | grep -qE '"accuracy":(1|0\.9[5-9])' || { echo "$model: accuracy below 95 %"; code=1; }
	done
	return $code
}

# latency measures how soon blocks hear of each other.
latency() { ./galvani bench latency --out "$out/gpu.jsonl"; }

# bench measures the networks of the goals, beside PyTorch and JAX where python3 has them.
bench() { ./galvani bench --goals --peers --out "$out/gpu.jsonl" --plot "$out"; }

step devices devices
step conformance conformance
step training training
step memcheck sanitize memcheck
step racecheck sanitize racecheck
step accuracy accuracy
step latency latency
step bench bench

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$failed"
