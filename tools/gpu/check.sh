#!/usr/bin/env bash
# What only a GPU can tell: bits, numbers, times. No network; under eight minutes on one GPU.
# usage: SPECC=path/to/specc [DATA=folder] [TESTS=path/to/cuda-tests] [CANDLE=path/to/specc-with-candle-cuda] tools/gpu/check.sh [REPORT]
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
specc=${SPECC:-$root/target/release/specc}
report=${1:-gpu-report}
mkdir -p "$report"
report=$(cd "$report" && pwd)
if [ -n "${TESTS:-}" ]; then
  SPECC_TEST_GPU=0 "$TESTS" | tee "$report/golden.txt"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=()
[ -z "${DATA:-}" ] || data=(--data-dir "$DATA")
failed=0
must() { # NAME COMMAND…: says whether it held, and remembers
  local name=$1
  shift
  if "$@" >>"$report/log.txt" 2>&1; then echo "held    $name"; else echo "FAILED  $name"; failed=1; fi
}
train() { # DIR ARGUMENTS…: a short run of the embedded digits on the GPU
  local dir=$1
  shift
  "$specc" train "$root/specs/quickstart.net" -o "$work/$dir" --device cuda --log-every 5 -q "$@" >/dev/null
}
# Equal files of two runs, but for times, logs and the machine.
same() {
  for file in metrics.jsonl ckpt/last.safetensors ckpt/resume.safetensors logits/test.safetensors; do
    cmp "$work/$1/$file" "$work/$2/$file" || return 1
  done
}

"$specc" time --devices | tee "$report/devices.txt"

{
  must "a run on the GPU" train alone --seed 3
  must "the same run again" train again --seed 3
  must "the same bits twice" same alone again
  must "three seeds at once" train three --seeds 2..5
  must "the same bits among others" same alone three/s3
  train killed --seed 3 & pid=$!
  sleep 1.2
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  must "a killed run goes on" train killed --seed 3
  must "the same bits after a kill" same alone killed
  must "a run on tensor cores" train tensor --seed 3 --precision tf32
  must "three seeds on tensor cores" train tensors --seeds 2..5 --precision tf32
  must "the same bits among others on tensor cores" same tensor tensors/s3
  # Cells that differ in numbers step together.
  {
    cat "$root/specs/quickstart.net"
    echo "sweep numbers { loss.delta in [0.01, 0.1]  train.lr in [0.05, 0.02]  seeds in [3, 4] }"
  } >"$work/numbers.net"
  must "a sweep over numbers" "$specc" sweep "$work/numbers.net" -o "$work/sweep" --device cuda --log-every 5 -q
  must "a cell of it alone" "$specc" train "$work/numbers.net" loss.delta=0.1 train.lr=0.02 -o "$work/cell" --device cuda \
    --log-every 5 -q --seed 4
  own=$("$specc" runs "$work/sweep" --csv --columns loss.delta,train.lr,seed,run | tr -d '\r' | sed -n 's/^0.1,0.02,4,//p')
  ln -sfn "$own" "$work/of_sweep"
  must "the same bits in a sweep" same cell of_sweep
} > >(tee "$report/bits.txt")

{
  "$specc" train "$root/specs/quickstart.net" -o "$work/cpu" --device cpu --seed 3 --max-steps 40 --log-every 5 -q
  train gpu --seed 3 --max-steps 40
  train gpu-tf32 --seed 3 --max-steps 40 --precision tf32
  echo "loss by step: CPU, GPU, GPU on tensor cores"
  losses() { grep -o '"loss":[^,]*' "$work/$1/metrics.jsonl"; }
  paste <(losses cpu) <(losses gpu) <(losses gpu-tf32)
} >"$report/numbers.txt" 2>&1

if [ -n "${CANDLE:-}" ]; then
  must "losses through candle" env SPECC="$CANDLE" "$root/tools/gpu/candle.sh" "$report"
fi

if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    echo "== $tool"
    timeout 90 compute-sanitizer --tool "$tool" "$specc" train "$root/specs/quickstart.net" -o "$work/$tool" \
      --device cuda --seed 3 --max-steps 3 -q
  done >"$report/sanitizer.txt" 2>&1
  grep -q "ERROR SUMMARY: [1-9]" "$report/sanitizer.txt" && failed=1
fi

{
  for spec in lenet_cifar100 mlp_mnist wrn16_4_cifar10; do
    echo "== $spec, one seed"
    "$specc" time "$root/specs/$spec.net" --device cuda --offline "${data[@]}"
  done
  echo "== wrn16_4_cifar10, one seed on tensor cores"
  "$specc" time "$root/specs/wrn16_4_cifar10.net" --precision tf32 --device cuda --offline "${data[@]}"
  echo "== lenet_cifar100, 40 seeds together"
  "$specc" time "$root/specs/lenet_cifar100.net" --replicas 40 --device cuda --offline "${data[@]}"
  if [ ${#data[@]} -gt 0 ]; then
    for seeds in 1 10 40; do
      echo "== lenet_cifar100, $seeds seeds at once, 2 epochs, tests after each"
      ( time "$specc" train "$root/specs/lenet_cifar100.net" train.epochs=2 -o "$work/lenet$seeds" --device cuda \
        --seeds 0.."$seeds" --offline -q "${data[@]}" >/dev/null ) 2>&1
    done
  fi
  if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    python3 "$root/tools/gpu/torch_steps.py"
  fi
} >"$report/times.txt" 2>&1
cat "$report/numbers.txt" "$report/times.txt"
exit "$failed"
