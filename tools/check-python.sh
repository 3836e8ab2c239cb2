#!/usr/bin/env bash
# The Python package as its users get it: the wheel in a clean environment, its tests, and a notebook. Needs Python 3.10 and pip.
# usage: tools/check-python.sh [PROFILE]          (dev by default; a few minutes, most of them for packages)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/build"
"$work/build/bin/pip" install --quiet maturin mypy numpy
package=$root/tools/python
(cd "$package" && "$work/build/bin/maturin" build --quiet --profile "${1:-dev}" -o "$work/wheels")
(cd "$package" && "$work/build/bin/mypy" --strict --cache-dir "$work/mypy" specc)
python3 -m venv "$work/clean"
"$work/clean/bin/pip" install --quiet "$work"/wheels/*.whl pytest pandas polars nbconvert ipykernel
cp "$package/tests/"*.py "$work/"
cd "$work"
# Without $SPECC the program is the one that the wheel carries.
env -u SPECC clean/bin/python -m pytest -q -p no:cacheprovider test_specc.py
clean/bin/python notebook.py
clean/bin/jupyter nbconvert --execute --to html notebook.ipynb
for wanted in '<table class="specc"' srcdoc; do
  grep -q "$wanted" notebook.html || { echo "the notebook shows no $wanted"; exit 1; }
done
echo "wheel, types, tests and notebook hold"
