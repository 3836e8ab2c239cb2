#!/usr/bin/env bash
# Kernels and the fused executor under AddressSanitizer. Needs a nightly toolchain for x86-64 Linux; with `cuda`, the kernels of
# the GPU as the emulated device runs them, which needs gcc and its libasan alone.
# usage: tools/asan.sh [TEST FILTER …]          (about 15 minutes on two cores from an empty target/)
#        tools/asan.sh cuda [TEST FILTER …]     (about 6 minutes; `every_layer` takes all layers and losses)
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = cuda ]; then
  shift
  filters=("$@")
  [ ${#filters[@]} -gt 0 ] || filters=(bits:: a_sound_kernel)
  built=$(cargo test --test cuda --features emulated --no-run 2>&1 | tee >(cat >&2) | sed -n 's/.*(\(.*cuda-.*\)).*/\1/p')
  # The kernels are checked, and the memory that they are given; the program around them is built as ever.
  SPECC_KERNEL_FLAGS="-fsanitize=address -fno-omit-frame-pointer" LD_PRELOAD=$(gcc -print-file-name=libasan.so) \
    ASAN_OPTIONS=detect_leaks=0 "$built" "${filters[@]}"
  exit
fi
export RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/asan}
target=x86_64-unknown-linux-gnu
filters=("$@")
[ ${#filters[@]} -gt 0 ] || filters=(kernels:: cpu:: exec::)
cargo +nightly test --target "$target" --lib -- kernels::
# Freed memory stays in quarantine under the sanitizer, so that a test of resident memory cannot hold.
cargo +nightly test --target "$target" --test it -- --skip keep_their_memory "${filters[@]}"
