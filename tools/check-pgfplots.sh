#!/usr/bin/env bash
# Every figure of a sweep, of a run and of a comparison as source for pgfplots, compiled by LaTeX; fails with the error lines of the log.
# usage: SPECC=target/release/specc tools/check-pgfplots.sh [--keep DIR]
# Needs pdflatex with pgfplots (Debian's texlive-pictures); says so and ends well without it. DIR keeps sources and pages.
# Exit codes: 1 a figure does not compile, 2 wrong usage, 3 the program is missing.
set -euo pipefail

die() { # CODE MESSAGE
    echo "check-pgfplots: $2" >&2
    exit "$1"
}

specc=$(realpath "${SPECC:-target/release/specc}")
case ${1:-} in
'') work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT ;;
--keep) work=$(realpath -m "${2:?a folder}") && mkdir -p "$work" ;;
*) die 2 "usage: SPECC=target/release/specc tools/check-pgfplots.sh [--keep DIR]" ;;
esac
[ -x "$specc" ] || die 3 "there is no program $specc"
if ! command -v pdflatex >/dev/null || ! kpsewhich pgfplots.sty >/dev/null; then
    echo "SKIPPED: pdflatex with pgfplots is missing (texlive-pictures); no figure was compiled"
    exit 0
fi
cd "$work"

# Labels with letters that are commands of TeX, several panels, and claims with all forms of thresholds.
cat >sweep.net <<'NET'
data digits(subset=100, test_subset=60)
net small { flatten -> linear(8) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 10  epochs = 3 }
sweep grid {
  loss in [one_scale: single_scale, two: two_scale(delta=0.01, size=weights), two_scale(delta=1, size=weights)]
  train.lr in [0.01, 0.1]
  seeds in 0..3
}
claim "50 % & more, by #1_2" {
  test.accuracy of (loss=two, train.lr=0.1) >= 0.5
  test.accuracy of (loss=two, train.lr=0.01) < 0.9
  test.loss of (loss=two, train.lr=0.1) == test.loss of (loss=one_scale, train.lr=0.1) +- 0.2
}
NET
# Claims may be refuted, which exits with 4.
"$specc" sweep sweep.net -o sweep --allow-open --quiet >/dev/null || [ $? = 4 ]
run=$(find sweep -name '*-s0' | sort | head -n 1)
"$specc" report sweep --figures figures/sweep 2>/dev/null
"$specc" report "$run" --figures figures/run 2>/dev/null
"$specc" report sweep:loss=one_scale,train.lr=0.1 sweep:loss=two,train.lr=0.1 --match-scale --samples \
    --figures figures/comparison 2>/dev/null

bad=0 all=0
for source in figures/*/*.tex; do
    all=$((all + 1))
    page=${source%.tex}
    mkdir -p "pages/$page"
    cat >"pages/$page/page.tex" <<TEX
\\documentclass{article}
\\usepackage{pgfplots}
\\pgfplotsset{compat=1.16}
\\pagestyle{empty}
\\begin{document}
\\noindent\\input{$source}
\\end{document}
TEX
    if ! pdflatex -interaction=nonstopmode -halt-on-error -output-directory "pages/$page" "pages/$page/page.tex" >/dev/null; then
        bad=$((bad + 1))
        echo "$source:"
        grep -A 4 '^!' "pages/$page/page.log" | sed 's/^/  /'
    fi
done
[ "$all" -gt 0 ] || die 1 "no figure was written"
echo "$((all - bad)) of $all figures compile"
[ "$bad" = 0 ]
