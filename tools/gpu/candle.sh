#!/usr/bin/env bash
# The second opinion on a GPU: training operation by operation through candle (`--device cuda --no-fuse`), beside the
# same on the processor and beside the fused kernels. Losses must be equal up to rounding.
# usage: tools/gpu/candle.sh build          builds that program; needs pip and no GPU, and takes about ten minutes
#        SPECC=path/to/it tools/gpu/candle.sh [REPORT]    compares, on a machine with a GPU; about a minute
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ "${1:-}" = build ]; then
  cd "$root"
  eval "$(tools/cuda-toolkit.sh)"
  cargo build --release --features candle-cuda
  echo "built ${CARGO_TARGET_DIR:-target}/$CARGO_BUILD_TARGET/release/specc"
  exit
fi

specc=${SPECC:-$root/target/x86_64-unknown-linux-gnu/release/specc}
report=${1:-gpu-report}
mkdir -p "$report"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Losses of the steps of a run.
losses() {
  grep '"kind":"step"' "$work/$1/metrics.jsonl" | grep -o '"loss":[^,]*' | cut -d: -f2
}
# SPEC STEPS TOLERANCE: a few steps by each executor; the tolerance is relative to the loss of the processor.
compare() {
  local spec=$1 steps=$2 tolerance=$3 name executor
  name=$(basename "$spec" .net)
  for executor in "cpu --no-fuse" "cuda --no-fuse" "cuda"; do
    # shellcheck disable=SC2086 # two words
    "$specc" train "$spec" -o "$work/$name-${executor// /}" --device $executor --seed 3 --max-steps "$steps" \
      --log-every 1 -q >/dev/null
  done
  echo "== $name: loss by step on the processor, on candle's device, by fused kernels"
  paste <(losses "$name-cpu--no-fuse") <(losses "$name-cuda--no-fuse") <(losses "$name-cuda") |
    awk -v tolerance="$tolerance" '
      { print; for (i = 2; i <= 3; i++) { off = ($i - $1) / $1; if (off < 0) off = -off
          if (!(off <= tolerance)) bad = 1; if (off > most) most = off } }
      END { print "largest difference " most ", allowed " tolerance; exit bad || NR == 0 }' || failed=1
}

compare "$root/specs/quickstart.net" 20 1e-4 >"$report/candle.txt"
# Batch norms spread rounding.
compare "$root/tools/gpu/layers.net" 10 1e-3 >>"$report/candle.txt"
cat "$report/candle.txt"
exit "$failed"
