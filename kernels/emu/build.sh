#!/usr/bin/env bash
# Builds the emulated driver: DIR/libgalvani_emu.so, from this folder and the CUDA sources.
#
#   build.sh DIR [FILE.cu...]    (the files default to kernels/cuda/*.cu)
#
# Each source is compiled for the targets that there is PTX for (all where there is none), scan.cu
# once per cell, for the older targets only of cells that are tried there; objects are kept in DIR/emu and made again when what they were made of is newer.
# CXX and JOBS may be set.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: build.sh DIR [FILE.cu...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
kernels=$(dirname "$here")
mkdir -p "$1/emu"
out=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- "$kernels"/cuda/*.cu

# What older targets have of their own is the same code for all cells: kernels/cuda (several) tries these.
older="rnn lstm crnn cond_ei"

# targets UNIT lists the targets of a unit's PTX: of a cell's in any number format.
targets() {
	local arch found=
	for arch in 70 80 90; do
		[ "$arch" = 90 ] || [ -z "$cells" ] || [[ " $older " == *" $1 "* ]] || continue
		! grep -Eq "\"$1(_fp32|_tf32|_bf16)?\.sm$arch\.ptx\": " "$kernels/ptx/manifest.json" || found+=" $arch"
	done
	echo "${found:-70 80 90}"
}

common="-std=c++17 -O1 -g1 -fPIC -fvisibility=hidden -Wall -Wextra -MMD"
# The calls of the thread sanitizer announce loads and stores to check.cpp. Loops must not turn
# into memset or memcpy, which are not announced.
kernel="-DGALVANI_EMU -I$kernels/cuda -I$here -ffp-contract=off -fno-tree-loop-distribute-patterns -fno-tree-vectorize
	-fsanitize=thread --param tsan-instrument-func-entry-exit=0
	-Wno-unknown-pragmas -Wno-unused-function -Wno-unused-const-variable -Wno-unused-parameter"

objects=() jobs=()

# stale OBJECT tells whether it has to be made: it or a file that it depends on is not there, or newer.
stale() {
	local object=$1 deps file
	[ -f "$object" ] && [ -f "${object%.o}.d" ] && [ ! "$here/build.sh" -nt "$object" ] || return 0
	deps=$(sed -e 's/^[^:]*://' -e 's/\\$//' "${object%.o}.d")
	for file in $deps; do
		[ -f "$file" ] && [ ! "$file" -nt "$object" ] || return 0
	done
	return 1
}

# compile OBJECT SOURCE FLAG... lists a job.
compile() {
	local object=$out/emu/$1.o source=$2
	shift 2
	objects+=("$object")
	if stale "$object"; then
		jobs+=("${CXX:-g++} $common $* -c $source -o $object.new.o -MF ${object%.o}.d -MT $object && $here/shared.sh $object.new.o $object")
	fi
}

for source in "$here"/src/*.cpp; do
	name=$(basename "$source" .cpp)
	compile "$name" "$source" -I"$here" -DEMU_ARCH=90 -DEMU_SECTION="'\"none\"'"
done
for source; do
	name=$(basename "$source" .cu)
	cells=
	[ "$name" != scan ] || cells=$(sed -n 's/^#define CELLS(X)//p' "$kernels/cells/list.h" | grep -o 'X([a-z0-9_]*)' | sed 's/^X(\(.*\))$/\1/')
	for cell in ${cells:-$name}; do
		for arch in $(targets "$cell"); do
			unit=${cell}_$arch
			# For 8.0 there is no PTX of fp32: the code for 7.0 serves.
			formats=
			[ "$arch" != 80 ] || formats="-DONLY_tf32 -DONLY_bf16"
			# shellcheck disable=SC2086 # one argument a word
			compile "$unit" "$source" $kernel -x c++ -DEMU_ARCH="$arch" -DEMU_SECTION="'\"shared_$unit\"'" ${cells:+-DCELL="$cell" $formats}
		done
	done
done

[ ${#jobs[@]} -eq 0 ] || printf '%s\0' "${jobs[@]}" | xargs -0 -P "${JOBS:-$(nproc)}" -I{} sh -c '{}'
library=$out/libgalvani_emu.so
if [ ${#jobs[@]} -gt 0 ] || [ ! -f "$library" ]; then
	${CXX:-g++} -shared -o "$library.new" "${objects[@]}" -Wl,-z,defs -Wl,--exclude-libs,ALL -static-libstdc++ -static-libgcc -ldl -pthread
	mv "$library.new" "$library"
fi
