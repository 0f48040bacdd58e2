#!/bin/sh
# build.sh DIR makes DIR/libcuda.a, which stands in for the CUDA driver at link time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: build.sh DIR}
cc=${CC:-gcc}
ar=${AR:-ar}

mkdir -p "$dir"
# Made aside and renamed: two builds at once, or one that is interrupted, leave a whole file.
work=$(mktemp -d "$dir/stub.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$cc" -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -Werror \
	-I "$here/../include" -c "$here/stub.c" -o "$work/stub.o"
"$ar" rcsD "$work/libcuda.a" "$work/stub.o"
mv -f "$work/libcuda.a" "$dir/libcuda.a"
