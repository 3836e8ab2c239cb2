#!/usr/bin/env bash
# Reports of small runs, opened in a headless browser: nothing outside the page is asked for, no text lies over another one,
# phones do not scroll sideways, axe-core finds nothing serious, and pages of some 50 runs have less than 2 MB.
# The times that the pages took are printed; they are those of users with a release build.
# usage: SPECC=target/release/specc tools/check-report.sh [--axe axe-core/axe.min.js] [--keep DIR]
# Needs node and chromium (or $CHROMIUM). DIR keeps the reports and their pictures.
# Exit codes: 1 something was found, 2 wrong usage, 3 a program is missing.
set -euo pipefail

# The largest page of some 50 runs in bytes.
most=$((2 * 1024 * 1024))

die() { # CODE MESSAGE
    echo "check-report: $2" >&2
    exit "$1"
}

tools=$(cd "$(dirname "$0")" && pwd)
specc=$(realpath "${SPECC:-target/release/specc}")
look=(node "$tools/look-report.mjs" --pdf)
keep=
while [ $# -gt 0 ]; do
    case $1 in
    --axe) look+=(--axe "$(realpath "${2:?a file}")") && shift 2 ;;
    --keep) keep=$(realpath -m "${2:?a folder}") && shift 2 ;;
    *) die 2 "usage: SPECC=target/release/specc tools/check-report.sh [--axe FILE] [--keep DIR]" ;;
    esac
done
[ -x "$specc" ] || die 3 "there is no program $specc"
command -v node >/dev/null || die 3 "node is missing"
command -v "${CHROMIUM:-chromium}" >/dev/null || die 3 "chromium is missing"

work=${keep:-$(mktemp -d)}
mkdir -p "$work"
[ -n "$keep" ] && look+=(--shots "$work/shots") || trap 'rm -rf "$work"' EXIT
cd "$work"

train() { # SPEC OPTION …
    "$specc" train "$@" --quiet >/dev/null
}

sweep() { # SPEC OPTION …: its claims may be refuted, which exits with 4
    "$specc" sweep "$@" --allow-open --quiet >/dev/null || [ $? = 4 ]
}

report() { # NAME PATH …: writes NAME.html and says how long it took
    local name=$1 start end
    shift
    start=$(date +%s%N)
    "$specc" report "$@" -o "$name.html" 2>/dev/null
    end=$(date +%s%N)
    printf '%-12s %6d ms %8d bytes\n' "$name" $(((end - start) / 1000000)) "$(stat -c %s "$name.html")"
}

cat >run.net <<'NET'
data digits(subset=400, test_subset=200)
net small { conv(6, kernel=3) -> relu -> max_pool(2)  flatten -> linear(24) -> relu -> linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.1) { batch = 16  epochs = 8 }
NET

# Three losses at five rates, with claims: some hold, some are refuted, one has two lines.
cat >sweep.net <<'NET'
data digits(subset=200, test_subset=100)
net small { flatten -> linear(12) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 10  epochs = 4 }
sweep grid {
  loss in [single: single_scale, two: two_scale(delta=0.01, size=weights), far: two_scale(delta=1, size=weights)]
  train.lr in [0.003, 0.01, 0.03, 0.1, 0.3]
  seeds in 0..3
}
claim "the second scale costs less than five points of accuracy at the middle rate" {
  test.accuracy of (loss=two, train.lr=0.03) - test.accuracy of (loss=single, train.lr=0.03) >= -0.05
}
claim "losses are alike" {
  test.loss of (loss=two, train.lr=0.1) == test.loss of (loss=single, train.lr=0.1) +- 0.2
  test.accuracy of (loss=two, train.lr=0.1) > 0.99
}
NET

cat >fifty.net <<'NET'
data digits(subset=400, test_subset=200)
net small { flatten -> linear(12) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 10  epochs = 10 }
sweep fifty {
  loss in [single: single_scale, near: two_scale(delta=0.01, size=weights), middle: two_scale(delta=0.1, size=weights),
    far: two_scale(delta=1, size=weights), mse: mse]
  seeds in 0..10
}
NET

# The test table has no sample of class 2.
table() { # ROWS CLASSES
    echo "a,b,c,label"
    awk -v rows="$1" -v classes="$2" 'BEGIN { for (i = 0; i < rows; i++) {
        k = i % classes; printf "%.3f,%.3f,%.3f,%d\n", sin(i) + k, cos(3 * i) - k, sin(5 * i), k } }'
}
table 120 3 >train.csv
table 60 2 >test.csv
cat >missing.net <<'NET'
data csv("train.csv", test="test.csv", label="label", classes=3)
net small { linear(8) -> relu -> linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.1) { batch = 10  epochs = 6 }
NET

cat >hundred.net <<'NET'
data synthetic(blobs, shape=[16], classes=100, n_train=1000, n_test=1000)
net small { linear(32) -> relu -> linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.1) { batch = 20  epochs = 4 }
NET

echo "== runs"
train run.net -o run
train run.net train.lr=1e30 -o diverged 2>/dev/null && die 1 "a learning rate of 1e30 does not diverge"
train missing.net -o missing 2>/dev/null
train hundred.net -o hundred
sweep sweep.net -o sweep
sweep fifty.net -o fifty
# A thousand runs: one run of each of two cells under the names of 500 seeds.
sed 's/train.lr in .*//; s/far: .*]/]/; s/, \]/]/; s/seeds in .*/seeds in 0..500/; /^claim/,$d' sweep.net >thousand.net
"$specc" sweep thousand.net -o thousand --shard 1/500 --quiet >/dev/null
python3 - <<'PYTHON'
import json, pathlib, re, shutil

root = pathlib.Path("thousand")
for run in sorted(root.glob("*-s0")):
    for seed in range(1, 500):
        copy = root / re.sub("s0$", f"s{seed}", run.name)
        if (copy / "DONE").exists():
            continue
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run, copy)
        for file in ["run.json", "summary.json"]:
            document = json.loads((copy / file).read_text())
            document["seed"] = seed
            (copy / file).write_text(json.dumps(document))
PYTHON

echo "== pages"
report run run
report diverged diverged
report missing missing
report hundred hundred
report sweep sweep
report comparison 'sweep:loss=single,train.lr=0.1' 'sweep:loss=two,train.lr=0.1' --match-scale --samples
report fifty fifty
report thousand thousand
for name in sweep fifty; do
    size=$(stat -c %s $name.html)
    [ "$size" -lt "$most" ] || die 1 "$name.html has $size bytes"
done

echo "== in a browser"
"${look[@]}" ./*.html
