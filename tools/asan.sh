#!/usr/bin/env bash
# Kernels and the fused executor under AddressSanitizer. Needs a nightly toolchain for x86-64 Linux.
# usage: tools/asan.sh [TEST FILTER …]          (about 15 minutes on two cores from an empty target/)
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/asan}
target=x86_64-unknown-linux-gnu
filters=("$@")
[ ${#filters[@]} -gt 0 ] || filters=(kernels:: cpu:: exec::)
cargo +nightly test --target "$target" --lib -- kernels::
# Freed memory stays in quarantine under the sanitizer, so that a test of resident memory cannot hold.
cargo +nightly test --target "$target" --test it -- --skip keep_their_memory "${filters[@]}"
