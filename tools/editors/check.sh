#!/usr/bin/env bash
# The editor files against the shipped specs: builds the VS Code client and the tree-sitter parser, and tries both.
# usage: tools/editors/check.sh [SPECC]     (SPECC: the program to speak with; needs npm, a C compiler and the tree-sitter CLI)
set -euo pipefail
cd "$(dirname "$0")"
specs=$(find ../../specs ../../tests/suite -name '*.net' -path '*/ok/*' -o -name '*.net' -path '*/specs/*' | sort)
step() { printf '\n== %s\n' "$*"; }

step "VS Code: build and tests without an editor"
(cd vscode && npm ci --silent && npm run --silent build && SPECC=${1:+$(realpath "$1")} npm test --silent)

step "tree-sitter: every spec parses without an error"
cd tree-sitter
tree-sitter generate
echo "$specs" | sed 's|^|../|' >"${TMPDIR:-/tmp}/specs.$$"
trap 'rm -f "${TMPDIR:-/tmp}/specs.$$"' EXIT
tree-sitter parse --quiet --paths "${TMPDIR:-/tmp}/specs.$$"
echo "$(wc -l <"${TMPDIR:-/tmp}/specs.$$") files parse"

step "tree-sitter: its own cases, and the queries on every spec"
tree-sitter test
for query in highlights folds injections; do
  tree-sitter query --quiet --paths "${TMPDIR:-/tmp}/specs.$$" "queries/$query.scm" >/dev/null
  echo "$query: sound"
done
