//! What an addition touches: the files that name one of its kind, as the code map in `src/lib.rs` lists them.

use std::collections::BTreeSet;
use std::path::Path;

/// A kind of addition, one of its kind by the names that code has for it, and the files below `src` that know it.
const KINDS: [(&str, &[&str], &[&str]); 5] = [
    (
        "activation",
        &["Silu", "silu"],
        &[
            "export/onnx/operators.rs",
            "export/pytorch/function.rs",
            "grad/rules/function.rs",
            "ir/op/function.rs",
            "kernels/pointwise/function.rs",
            "model/table/layers.rs",
        ],
    ),
    (
        "class operation",
        &["SparsemaxThreshold", "sparsemax_threshold"],
        &[
            "exec/cpu/blocks.rs",
            "exec/ops/classes.rs",
            "export/pytorch/helpers.rs",
            "grad/rules/class.rs",
            "ir/op/class.rs",
            "kernels/classes.rs",
            "loss/base.rs",
            "loss/formula.rs",
            "lower/cuda/emit/rows.rs",
        ],
    ),
    (
        "base loss",
        &["Hinge", "hinge"],
        &["export/pytorch/loss.rs", "loss/base.rs", "model/loss.rs", "model/table/losses.rs"],
    ),
    (
        "optimiser",
        &["AdamW", "adamw"],
        &[
            "export/pytorch/training.rs",
            "model/table/train.rs",
            "model/train.rs",
            "optim/update.rs",
        ],
    ),
    ("command", &["CompletionsArgs", "completions"], &["cli/completions.rs", "cli/mod.rs"]),
];

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            out.push((path.display().to_string(), code.collect::<Vec<_>>().join("\n")));
        }
    }
}

fn mentions(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_name) && !code[at + word.len()..].starts_with(is_name)
    })
}

#[test]
fn an_addition_touches_the_files_of_the_code_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = vec![];
    sources(&root, &mut all);
    let map = std::fs::read_to_string(root.join("lib.rs")).unwrap();
    for (kind, words, files) in KINDS {
        let found: BTreeSet<String> = all
            .iter()
            .filter(|(_, code)| words.iter().any(|word| mentions(code, word)))
            .map(|(path, _)| path.split("/src/").last().unwrap().to_owned())
            .collect();
        let expected: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
        assert_eq!(found, expected, "{kind}");
        let row = map.lines().find(|line| line.starts_with(&format!("//! | {kind} |"))).unwrap();
        let count = row.split('|').nth(3).unwrap().trim();
        assert_eq!(count, files.len().to_string(), "the row of {kind} in src/lib.rs");
    }
}
