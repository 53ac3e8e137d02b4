#!/bin/sh
# Builds tests of kernels: sh native/test/build.sh <folder> <avx512|avx2|neon> <plain|sanitize|quick> [test...]
# Each test becomes <folder>/<test>-<isa>-<kind>. Without names: all tests. Only plain is optimised: gcc takes 75 s to optimise one
# program with sanitizers, 22 s without. CFLAGS=-O1 is worth it for thousands of cases: they take half the time.
set -e
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 isa=$2 kind=$3
shift 3
case $isa in
  avx512) target=-march=x86-64-v4 ;;
  avx2) target=-march=x86-64-v3 ;;
  neon) target=-march=armv8-a ;;
  *) echo "unknown instruction set '$isa': avx512, avx2 or neon" >&2; exit 2 ;;
esac
case $kind in
  plain) flags=-O3 ;;
  quick) flags=-O0 ;;
  sanitize) flags="-O0 -g -fsanitize=address,undefined -fno-sanitize-recover=all" ;;
  *) echo "unknown kind '$kind': plain, sanitize or quick" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- $(cd "$here" && ls *.c | sed 's/\.c$//')
mkdir -p "$folder"
for test; do
  ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -ffp-contract=fast $target $flags ${CFLAGS:-} -DNAS_ISA="$isa" \
    "$here/$test.c" -o "$folder/$test-$isa-$kind" -pthread -lm
done
