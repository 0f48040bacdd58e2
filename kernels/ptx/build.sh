#!/usr/bin/env bash
# Compiles the CUDA sources to PTX and machine code: kernels/ptx/*.tar.zst and manifest.json. No CUDA
# toolkit is needed: run-time compiler and assembler come as Python wheels, kept in build/nvrtc, where
# what was compiled is kept too. Packing needs the program zstd.
#
#   build.sh           compiles what has changed, and makes the archives
#   build.sh --check [COMPUTE...] [--one-format]
#                      compiles to PTX elsewhere, for all or for these compute capabilities (70, 80, 90),
#                      every cell or each in one number format, and compares with what is committed
#
# Exit code 3: the compiler is not there and cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

# CUDA 12.2 writes PTX ISA 8.2, which drivers from R535 on load.
version=12.2.140
wheel() { echo "nvidia_cuda_$1_cu12-$version-py3-none-manylinux1_x86_64.whl"; }
sha_nvrtc=b1cdcae6443cb7cdcfb5d1bf51896a148c9f82f9e65b27db9ab095eaed689aa7
sha_nvcc=c6ff4ae7a636eb6cab7621191e19ac3779690686bbcf52c04d8b1ca2944e1e27

dir=$PWD/build/nvrtc

[ "$(uname -sm)" = "Linux x86_64" ] || {
	echo "kernels/ptx: the compiler is for Linux x86_64, not for $(uname -sm)" >&2
	exit 3
}

# fetch NAME SHA256 PATH... downloads the wheel of a package and unpacks the paths it is for.
fetch() {
	local name=$1 sha=$2 file
	file=$dir/$(wheel "$name")
	shift 2
	if [ ! -f "$file" ]; then
		echo "downloading nvidia-cuda-$name-cu12 $version" >&2
		python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
			--platform manylinux1_x86_64 --dest "$dir" "nvidia-cuda-$name-cu12==$version" >&2 || {
			echo "kernels/ptx: nvidia-cuda-$name-cu12 $version cannot be downloaded" >&2
			exit 3
		}
	fi
	echo "$sha  $file" | sha256sum --check --quiet - || {
		echo "kernels/ptx: $file is not the wheel that is pinned; remove it" >&2
		exit 1
	}
	python3 - "$file" "$dir" "$@" <<-'UNPACK'
		import os, sys, zipfile
		wheel, folder, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
		for path in paths:
		    if not os.path.exists(os.path.join(folder, path)):
		        zipfile.ZipFile(wheel).extract(path, folder)
	UNPACK
}

mkdir -p "$dir"
lib=nvidia/cuda_nvrtc/lib
fetch nvrtc $sha_nvrtc $lib/libnvrtc.so.12 $lib/libnvrtc-builtins.so.12.2
if [ "${1:-}" != --check ]; then
	command -v zstd > /dev/null || {
		echo "kernels/ptx: zstd is not there; install the package zstd" >&2
		exit 3
	}
	fetch nvcc $sha_nvcc nvidia/cuda_nvcc/bin/ptxas
	chmod +x "$dir/nvidia/cuda_nvcc/bin/ptxas"
fi

LD_LIBRARY_PATH=$dir/$lib python3 kernels/ptx/compile.py \
	--nvrtc "$dir/$lib/libnvrtc.so.12" --ptxas "$dir/nvidia/cuda_nvcc/bin/ptxas" --version "$version" "$@"
