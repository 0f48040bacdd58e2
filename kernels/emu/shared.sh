#!/bin/sh
# Renames what an object has of .bss, which is the static shared memory of its kernels, to the
# section that they know as such: shared.sh FROM TO. Objects of the emulator itself keep theirs.
set -e
unit=$(basename "$2" .o)
if nm "$1" | grep -q ' U emu_register$'; then
	# shellcheck disable=SC2046 # one argument a word
	set -- "$1" "$2" $(objdump -h "$1" | awk -v to="shared_$unit" '$2 ~ /^\.bss/ && $3 !~ /^0+$/ {print "--rename-section", $2 "=" to}')
fi
from=$1 to=$2
shift 2
objcopy "$@" "$from"
mv "$from" "$to"
