#!/usr/bin/env bash
# Runs train.sbatch on a cluster of two Slurm nodes that this machine plays: rig.sh PROGRAM, which `make mpi` has built.
# A run is stopped twice, by the warning of a time limit and by a job of higher priority, goes on by itself each time, and
# has to end with the bits of a run on one process that nothing happened to.
#
# It needs root, and from Debian or Ubuntu slurm-wlm, munge, openmpi-bin, libpmix-dev and iproute2; it ends with code 3 where
# one is missing. All that it starts lives in namespaces of its own, and ends with it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1-}" != inside ]; then
	program=$(realpath "${1:?the program is missing: rig.sh bin/galvani}")
	for command in slurmctld slurmd munged mpirun ip unshare; do
		command -v "$command" > /dev/null || { echo "rig.sh: $command is missing; apt-get install slurm-wlm munge openmpi-bin libpmix-dev iproute2"; exit 3; }
	done
	unshare --mount --net --uts --pid --fork true || { echo 'rig.sh: needs namespaces of its own; start it as root'; exit 3; }
	dir=$(mktemp -d /run/galvani-slurm.XXXXXX) # not in /tmp, of which each node has its own
	trap 'rm -rf "$dir"' EXIT
	cp "$program" "$dir/galvani-mpi"
	# What the job calls, on each node, until the step that stands in a file: a run that ended by itself before it was
	# stopped twice would prove nothing, however fast the machine.
	printf '#!/bin/sh\nexec %s/galvani-mpi "$@" --max-steps "$(cat %s/last)"\n' "$dir" "$dir" > "$dir/galvani"
	chmod +x "$dir/galvani"
	code=0
	unshare --mount --net --uts --pid --fork --kill-child --mount-proc "$here/rig.sh" inside "$dir" || code=$?
	exit "$code"
fi

dir=$2
cd "$dir"
export PATH="$dir:$PATH:/usr/sbin" SLURM_CONF=$dir/slurm.conf GALVANI_RUNS=$dir/runs OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# fail MESSAGE ends with it and what the daemons say.
fail() {
	echo "rig.sh: $1"
	tail -n 20 ./*.log
	cat ./job-*.out
	exit 1
} >&2

# await SECONDS COMMAND... waits for a command to succeed.
await() {
	local end=$((SECONDS + $1))
	shift
	while ! "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "waited too long for: $*"
		sleep 0.2
	done
}

# A node has a name and an address that is not that of the loopback, by which the others find it.
hostname node0
ip link set lo up
ip link add slurm0 type veth peer name slurm1
ip addr add 10.213.0.1/24 dev slurm0
ip link set slurm0 up
ip link set slurm1 up
printf '127.0.0.1 localhost\n10.213.0.1 node0\n' > hosts
mount --bind hosts /etc/hosts

cat > slurm.conf << END
ClusterName=rig
SlurmctldHost=node0
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=100000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
NodeName=n1 NodeHostname=node0 NodeAddr=10.213.0.1 Port=17001 CPUs=$(nproc)
NodeName=n2 NodeHostname=node0 NodeAddr=10.213.0.1 Port=17002 CPUs=$(nproc)
PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 GraceTime=30
PartitionName=high Nodes=n1,n2 PriorityTier=9 PreemptMode=OFF
END
echo 'CgroupPlugin=cgroup/v1' > cgroup.conf
mkdir state runs
dd if=/dev/urandom of=munge.key bs=1024 count=1 status=none
chmod 400 munge.key
munged --force --socket "$dir/munge.socket" --key-file "$dir/munge.key" --pid-file "$dir/munge.pid" --log-file "$dir/munge.log" --seed-file "$dir/munge.seed"
slurmctld
for node in n1 n2; do # the plugin for PMIx uses one folder in /tmp for each job
	mkdir "tmp.$node" "spool.$node"
	unshare --mount sh -c "mount --bind '$dir/tmp.$node' /tmp && exec slurmd -N $node"
done
idle() { [ "$(sinfo --noheader --format %t --partition low)" = idle ]; }
await 30 idle

line=(--task looming --facets 3 --steps 40 --train-size 256 --test-size 32 --hidden 64 --batch 32 --epochs 1000000 --checkpoint-every 10
	--shards 8 --threads 1 --plots none)
echo 8000000 > last

job=$(sbatch --parsable --partition low --nodes 2 --ntasks 2 --ntasks-per-node 1 --output "$dir/job-%j.out" "$here/train.sbatch" "${line[@]}")
about() { scontrol show job --oneliner "$job" | tr ' ' '\n' | sed -n "s/^$1=//p"; }
is() { [ "$(about "$1")" = "$2" ]; }
saved() { find "runs/$job" -name 'step-*.safetensors' -newer "$1" | grep -q .; }
begun() { # on two nodes, and has saved since
	touch now
	await 60 is JobState RUNNING
	await 60 saved now
}
begun
echo 'the job runs on two nodes; it is warned as before its time limit'
scancel --signal USR1 "$job"
await 60 is Restarts 1
begun
echo 'it has gone on; a job of higher priority takes its nodes'
# While that one runs, the first is stopped: it is told to end 100 updates later.
sbatch --parsable --wait --partition high --nodes 2 --exclusive --output "$dir/high.out" --wrap \
	"step=\$(ls runs/$job/*/checkpoints | sed -n 's/^step-0*\([0-9]*\)\.safetensors$/\1/p' | sort -n | tail -n 1); echo \$((step + 100)) > last" > /dev/null
await 60 is Restarts 2
await 120 is JobState COMPLETED
echo "it has gone on again and ended at step $(cat last)"
run=$(find "runs/$job" -mindepth 1 -maxdepth 1)
[ "$(echo "$run" | wc -l)" = 1 ] || fail "there are several runs: $run"
[ "$(grep -c 'stopped' job-*.out)" -ge 2 ] || fail 'the job was not stopped twice'
want=$(galvani-mpi train --quiet --runs-dir want "${line[@]}" --max-steps "$(cat last)")
for weights in "$run" "$want"; do
	galvani-mpi export "$weights" --to npz --out "$(basename "$(dirname "$weights")").npz" > /dev/null
done
cmp "$job.npz" want.npz || fail 'the weights differ from those of a run without a stop'
echo "stopped twice, resumed twice by Slurm on two nodes: the weights are those of one process, bit for bit (${SECONDS} s)"
