#!/usr/bin/env bash
# Builds the images of docker/Dockerfile and starts them, on a machine without a container engine:
# buildah builds in a chroot, runc runs what umoci unpacks. Needs root and, from Debian, the packages
# buildah, umoci, runc, mmdebstrap, jq. The bases are stand-ins made here from Debian's packages and
# this machine's Go, so that no registry is asked; everything else is the Dockerfile's.
#
#   docker/test.sh [gpu|cpu]...     both if none is named; exit code 3 if a tool is missing
set -euo pipefail
cd "$(dirname "$0")/.."

readonly uid=10001
readonly max_added=80000000 # bytes that our layers may add to the base, unpacked: the program is 40 MB

for tool in buildah umoci runc mmdebstrap jq go; do
	command -v "$tool" > /dev/null || { echo "docker/test.sh: $tool is not installed"; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo "docker/test.sh: needs root, for chroot and mount"; exit 3; }

work=$(mktemp -d)
container=galvani-test-$$

# Storage of its own. vfs copies every layer whole, but works where overlays cannot be mounted,
# as on another overlay.
mkdir "$work/lower" "$work/upper" "$work/inner" "$work/merged" "$work/go-build"
driver=vfs
if mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/inner" "$work/merged" 2> /dev/null; then
	umount "$work/merged"
	driver=overlay
fi
export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
cat > "$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "$driver"
graphroot = "$work/graph"
runroot = "$work/run"
CONF
cleanup() {
	runc --root "$work/containers" delete --force "$container" > /dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

say() { printf '[%4ds] %s\n' $SECONDS "$*"; }
fail() { say "FAIL: $*"; exit 1; }

# base NAME PACKAGES... makes the image localhost/NAME of a minimal Debian bookworm.
base() {
	local name=$1 c
	shift
	mmdebstrap --quiet --variant=minbase ${1:+--include="${*// /,}"} bookworm "$work/$name.tar"
	c=$(buildah from scratch)
	buildah add --quiet "$c" "$work/$name.tar" / > /dev/null
	rm "$work/$name.tar"
	if [ "$name" = build-base ]; then
		buildah add --quiet "$c" "$(go env GOROOT)" /usr/local/go > /dev/null
		buildah config --env GOPATH=/go --env GOCACHE=/go-build --env PATH=/go/bin:/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin "$c"
	fi
	buildah commit --quiet --rm "$c" "localhost/$name" > /dev/null
}

# build TARGET builds a target of the Dockerfile; modules come from this machine's module cache, and
# what the first build compiles serves the second.
build() {
	buildah bud --quiet --format docker --target "$1" --tag "localhost/galvani:$1" \
		--build-arg BUILD_BASE=localhost/build-base --build-arg RUN_BASE=localhost/run-base \
		--build-arg GOPROXY=file:///modules --volume "$(go env GOMODCACHE)/cache/download:/modules:ro" \
		--volume "$work/go-build:/go-build" \
		--pull-never --file docker/Dockerfile . > "$work/build.log" 2>&1 || { cat "$work/build.log"; fail "build $1"; }
}

# unpack IMAGE DIR writes the OCI bundle of an image.
unpack() {
	buildah push --quiet "localhost/$1" "oci:$work/oci:${1/:/-}" > /dev/null 2>&1
	umoci unpack --image "$work/oci:${1/:/-}" "$2" > /dev/null 2>&1
	cp "$2/config.json" "$2/image.json"
}

# prepare BUNDLE USER COMMAND... writes the bundle's configuration as `docker run --read-only
# --network none --cap-drop ALL --user USER` would, with volumes in $work/runs and $work/data.
prepare() {
	local bundle=$1 user=$2 args
	shift 2
	args=$(jq -n '$ARGS.positional' --args -- "$@")
	jq --argjson user "$user" --argjson args "$args" --arg runs "$work/runs" --arg data "$work/data" '
		.process.args = $args | .process.terminal = false
		| .process.user = {uid: $user, gid: $user} | .process.noNewPrivileges = true
		| .process.capabilities = {} | .root.readonly = true
		| .mounts |= map(select(.destination as $d | ["/galvani/runs", "/data", "/tmp"] | index($d) | not))
		| .mounts += [
			{destination: "/galvani/runs", type: "bind", source: $runs, options: ["rbind", "rw", "nosuid", "nodev"]},
			{destination: "/data", type: "bind", source: $data, options: ["rbind", "rw", "nosuid", "nodev"]},
			{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "noexec", "size=256m"]}]
		' < "$bundle/image.json" > "$bundle/config.json"
}

# start BUNDLE USER COMMAND... runs a command in the foreground.
start() {
	prepare "$@"
	runc --root "$work/containers" run --bundle "$1" "$container" < /dev/null
}

# volumes USER empties both volumes and gives them to a user.
volumes() {
	rm -rf "$work/runs" "$work/data"
	install -d -o "$1" -g "$1" "$work/runs" "$work/data"
}

expect_config() {
	local got
	got=$(buildah inspect --type image --format '{{json .OCIv1.config}}' "localhost/galvani:$1" 2> /dev/null ||
		buildah inspect --type image "localhost/galvani:$1" | jq '.OCIv1.config')
	jq -e --arg target "$1" '
		.User == "10001:10001" and .WorkingDir == "/galvani" and .StopSignal == "SIGTERM"
		and .Entrypoint == ["/usr/local/bin/galvani"] and .Cmd == ["--help"]
		and (.Volumes | keys) == ["/data", "/galvani/runs"]
		and (.Env | index("HOME=/tmp") != null)
		and (.Env | any(startswith("NVIDIA_VISIBLE_DEVICES="))) == ($target == "gpu")
		' <<< "$got" > /dev/null || fail "$1: configuration is $got"
}

# no_new_setuid BUNDLE BASE: no file with the setuid or setgid bit that the base has not.
no_new_setuid() {
	local new
	new=$(diff <(cd "$2/rootfs" && find . -xdev -type f -perm /6000 | sort) \
		<(cd "$1/rootfs" && find . -xdev -type f -perm /6000 | sort)) || fail "setuid files differ from the base: $new"
}

# added BUNDLE BASE prints the bytes that a root has over another.
added() { echo $(($(du -sb "$1/rootfs" | cut -f1) - $(du -sb "$2/rootfs" | cut -f1))); }

# wait_for_steps waits until the run has written its first lines of metrics.
wait_for_steps() {
	local _
	for _ in $(seq 600); do
		[ "$(cat "$work"/runs/*/metrics.jsonl 2> /dev/null | wc -l)" -ge 3 ] && return
		sleep 0.1
	done
	fail "no metrics within a minute"
}

# expect_phase PHASE STEP holds the status of the one run to what it should be.
expect_phase() {
	jq -e --arg phase "$1" --argjson step "$2" '.phase == $phase and .step == $step' "$work"/runs/*/status.json > /dev/null ||
		fail "status is $(cat "$work"/runs/*/status.json), want $1 at step $2"
}

# check TARGET builds, inspects, starts, trains, stops and resumes one image.
check() {
	local target=$1 bundle=$work/$1 galvani=/usr/local/bin/galvani bytes out run step code
	say "=== $target: build"
	build "$target"
	expect_config "$target"
	unpack "galvani:$target" "$bundle"
	jq -e '.process.args == ["/usr/local/bin/galvani", "--help"] and .process.user.uid == '$uid \
		"$bundle/image.json" > /dev/null || fail "the bundle's process is $(jq -c .process "$bundle/image.json")"
	no_new_setuid "$bundle" "$work/base"
	bytes=$(added "$bundle" "$work/base")
	say "    adds $bytes bytes to the base; the program has $(stat -c %s "$bundle/rootfs$galvani")"
	[ "$bytes" -le $max_added ] || fail "$target adds $bytes bytes, want at most $max_added"
	out=$(chroot "$bundle/rootfs" ldd "$galvani")
	if grep -E 'cuda|not found' <<< "$out"; then fail "$target: the program's libraries"; fi

	volumes $uid
	say "=== $target: user, root"
	# shellcheck disable=SC2016 # the shell in the container expands
	out=$(start "$bundle" $uid /bin/sh -c 'id -u; touch /galvani/x /usr/x 2> /dev/null && echo writable || echo read-only')
	[ "$out" = "$uid"$'\n'read-only ] || fail "$target: got $out, want $uid and read-only"

	say "=== $target: devices"
	out=$(start "$bundle" $uid $galvani devices --json)
	say "$out"
	jq -es 'flatten | any(.device == "cpu" and .backend == "scan" and .usable)
		and all(.[] | select(.device == "cuda"); (.usable | not) and (.reason | length > 0))
		and any(.device == "cuda")' <<< "$out" > /dev/null || fail "$target: devices"

	say "=== $target: train 20 steps"
	start "$bundle" $uid $galvani train --quiet --max-steps 20
	run=$(ls "$work/runs")
	expect_phase completed 20
	[ "$(stat -c %u "$work/runs/$run/config.toml")" = $uid ] || fail "the run does not belong to $uid"
	start "$bundle" $uid $galvani eval "runs/$run" --json

	say "=== $target: SIGTERM, resume"
	volumes $uid
	prepare "$bundle" $uid $galvani train --quiet --epochs 1000
	runc --root "$work/containers" run --bundle "$bundle" "$container" < /dev/null &
	wait_for_steps
	runc --root "$work/containers" kill "$container" TERM
	code=0
	wait $! || code=$?
	[ "$code" = 75 ] || fail "$target: exit code $code after SIGTERM, want 75"
	run=$(ls "$work/runs")
	step=$(jq .step "$work/runs/$run/status.json")
	expect_phase stopped "$step"
	start "$bundle" $uid $galvani eval "runs/$run" --checkpoint last --json
	start "$bundle" $uid $galvani train --quiet --resume auto --max-steps $((step + 5))
	expect_phase completed $((step + 5))

	say "=== $target: any other user"
	volumes 4242
	start "$bundle" 4242 $galvani train --quiet --max-steps 1
	rm -rf "$bundle"
	say "--- $target: passed"
}

[ $# -gt 0 ] || set -- gpu cpu
for target; do
	case $target in gpu | cpu) ;; *) say "docker/test.sh: got $target, want gpu or cpu"; exit 2 ;; esac
done

say "=== stand-in bases, modules"
go mod download
base build-base gcc g++ libc6-dev make ca-certificates
base run-base
unpack run-base "$work/base"
for target; do check "$target"; done
