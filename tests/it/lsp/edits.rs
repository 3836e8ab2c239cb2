//! Ten thousand random edits of shipped specs: never a panic, never a diagnostic of another text.

use serde_json::{Value, json};

use super::{Editor, URI, byte, place};

/// Edits of each test; there are four.
const EDITS: usize = 2500;
/// Edits after which a text begins anew, so that it stays near one that parses.
const ANEW: usize = 25;

/// A generator of its own: the same edits at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    "=",
    "->",
    " -> relu",
    "\n",
    "\n}\n",
    "\nnet x {\n",
    "λ",
    "𝜆",
    "é",
    "\"",
    "//",
    "/*",
    "0.",
    ".5",
    "1e999",
    "in",
    "out",
    "let ",
    "repeat 3 {",
    "if ",
    " else ",
    "conv(",
    "kernel=",
    "9999999999999999999",
    "wide(4)",
    "import \"spec.net\"\n",
    "\nsweep s { train.lr in [0.1, 0.2] seeds in 0..2 }\n",
    "\nclaim \"c\" { R > 0 }\n",
    "\nassert degree(net) == 2\n",
    "where ",
    "-",
    "^",
    "..",
    "\r\n",
    "\t",
    "\u{0}",
    "classes",
    "trainable(R)",
    "data digits\n",
];

const METHODS: &[&str] = &[
    "textDocument/hover",
    "textDocument/completion",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/prepareRename",
    "textDocument/documentSymbol",
    "textDocument/semanticTokens/full",
    "textDocument/foldingRange",
    "textDocument/inlayHint",
    "textDocument/codeAction",
    "textDocument/formatting",
    "textDocument/rename",
];

fn border(text: &str, random: &mut Random) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A random edit: what it replaces and by what.
fn edit(text: &str, random: &mut Random) -> (usize, usize, String) {
    let start = border(text, random);
    let mut end = (start + random.below(12)).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    match random.below(5) {
        0 => (start, end, String::new()),
        1 => (start, start, text[start..end].to_owned()),
        2 => (start, end, PIECES[random.below(PIECES.len())].to_owned()),
        _ => (start, start, PIECES[random.below(PIECES.len())].to_owned()),
    }
}

/// Every place that an answer names lies in the text.
fn lies_inside(text: &str, answer: &Value) {
    match answer {
        Value::Object(fields) => {
            if fields.contains_key("line") && fields.contains_key("character") {
                byte(text, answer);
            }
            fields.values().for_each(|field| lies_inside(text, field));
        }
        Value::Array(items) => items.iter().for_each(|item| lies_inside(text, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn specs() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn run(seed: u64) {
    let specs = specs();
    let mut random = Random(seed);
    let mut editor = Editor::with(&[], &json!({}));
    let mut text = String::new();
    let mut version = 1;
    editor.opened(URI, "");
    for round in 0..EDITS {
        version += 1;
        if round % ANEW == 0 {
            text.clone_from(&specs[random.below(specs.len())]);
            editor.changed(URI, version, &text);
            continue;
        }
        let (start, end, new) = edit(&text, &mut random);
        let range = json!({ "start": place(&text, start), "end": place(&text, end) });
        // Line ends of a lone `\r` count for the protocol; the places of this test count `\n` alone.
        let whole = text.contains('\r') || new.contains('\r');
        text.replace_range(start..end, &new);
        let change =
            if whole { json!({ "text": text }) } else { json!({ "range": range, "text": new }) };
        let document = json!({ "uri": URI, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        editor.notify("textDocument/didChange", params);
        if round % 5 == 0 {
            let at = border(&text, &mut random);
            let method = METHODS[random.below(METHODS.len())];
            let at = if whole { json!({ "line": 0, "character": 0 }) } else { place(&text, at) };
            let end = if whole {
                json!({ "line": 9999, "character": 0 })
            } else {
                place(&text, text.len())
            };
            let params = json!({
                "textDocument": { "uri": URI }, "position": at, "newName": "renamed",
                "range": { "start": { "line": 0, "character": 0 }, "end": end },
                "context": { "includeDeclaration": true, "diagnostics": [], "triggerKind": 1 },
                "options": { "tabSize": 2, "insertSpaces": true },
            });
            match editor.request(method, params) {
                Ok(answer) if !whole => lies_inside(&text, &answer),
                Ok(_) => {}
                Err(error) => assert!(error.starts_with("-32803"), "{method}: {error}\n{text}"),
            }
        }
        if round % 10 == 0 {
            let (told, all) = editor.diagnostics(URI);
            assert_eq!(told, Some(version), "the diagnostics are of another version");
            if !whole {
                lies_inside(&text, &json!(all));
            }
            if round % 50 == 0 {
                let fresh = Editor::open(&text).diagnostics(URI).1;
                assert_eq!(all, fresh, "the diagnostics are not those of the text\n{text}");
            }
        }
    }
}

#[test]
fn edits_of_the_first_quarter() {
    run(1);
}

#[test]
fn edits_of_the_second_quarter() {
    run(2);
}

#[test]
fn edits_of_the_third_quarter() {
    run(3);
}

#[test]
fn edits_of_the_last_quarter() {
    run(4);
}
