//! Definitions, references, renaming.

use serde_json::{Value, json};

use super::{Editor, URI, edited, marked, place, slice};

const LIB: &str =
    "let wide = 8\n/// Two layers. λ\nblock pair(c, k=3) { conv(c, kernel=k) -> relu }\n";
const LIB_URI: &str = "file:///home/ada/lib/blocks.net";
const MAIN: &str = "\
import \"lib/blocks.net\"
data digits
let width = 4 * wide
net a(depth=2) {
  stem: pair(width, k=1)
  let kept = in -> pair(width)
  repeat i in 0..depth { pair(width + i) }
  kept -> flatten -> linear(classes)
}
net b { flatten -> linear(classes) }
loss my(gamma=2) { let p = softmax(logits)  out -(1 - p[label])^gamma * log(p[label]) }
train sgd(lr=0.1) { epochs = 1 }
assert degree(layer=stem) == 1
sweep s {
  loss in [mine: my(gamma=3), other: mse]
  net in [a, b]
  let.width in [4, 8]
  where loss != mine || net == b
}
claim \"better\" { test.accuracy of mine > test.accuracy of (loss=other) }
";

fn editor() -> Editor {
    let mut editor = Editor::with(
        &[("/home/ada/lib/blocks.net", LIB), ("/home/ada/spec.net", MAIN)],
        &json!({}),
    );
    editor.opened(URI, MAIN);
    editor
}

/// Where the definition of the name at the nth occurrence of a text stands: the file, and the text there with its line.
fn defined(of: &str, nth: usize) -> (String, String) {
    let at = MAIN.match_indices(of).nth(nth).unwrap().0;
    let mut editor = editor();
    let answer = editor.at("textDocument/definition", URI, &place(MAIN, at + 1));
    let text = if answer["uri"] == URI { MAIN } else { LIB };
    let name = slice(text, &answer["range"]).to_owned();
    let line = answer["range"]["start"]["line"].as_u64().unwrap();
    (format!("{}:{line}", answer["uri"].as_str().unwrap().rsplit('/').next().unwrap()), name)
}

#[test]
fn definitions_are_found_through_scopes_and_imports() {
    for (of, nth, file, name) in [
        ("pair(", 0, "blocks.net:2", "pair"),
        ("wide", 0, "blocks.net:0", "wide"),
        ("k=1", 0, "blocks.net:2", "k"),
        ("width", 1, "spec.net:2", "width"),
        ("depth", 1, "spec.net:3", "depth"),
        ("i)", 0, "spec.net:6", "i"),
        ("kept", 1, "spec.net:5", "kept"),
        ("stem", 1, "spec.net:4", "stem"),
        ("gamma", 1, "spec.net:10", "gamma"),
        ("p[", 0, "spec.net:10", "p"),
        ("my(", 1, "spec.net:10", "my"),
        ("gamma", 2, "spec.net:10", "gamma"),
        ("a, b", 0, "spec.net:3", "a"),
        ("mine ||", 0, "spec.net:14", "mine"),
        ("mine >", 0, "spec.net:14", "mine"),
        ("other)", 0, "spec.net:14", "other"),
        ("loss=other", 0, "spec.net:14", "loss"),
        ("width in", 0, "spec.net:2", "width"),
        ("lib/", 0, "blocks.net:0", ""),
    ] {
        assert_eq!(defined(of, nth), (file.to_owned(), name.to_owned()), "{of} {nth}");
    }
}

#[test]
fn references_come_from_every_file_that_imports() {
    let mut editor = editor();
    editor.opened(LIB_URI, LIB);
    let at = place(LIB, LIB.find("pair").unwrap());
    let found = editor.at("textDocument/references", LIB_URI, &at);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found.iter().filter(|one| one["uri"] == URI).count(), 3);
    let marks = editor.at("textDocument/documentHighlight", LIB_URI, &at);
    assert_eq!(marks.as_array().unwrap().len(), 1);
}

fn renamed(editor: &mut Editor, uri: &str, at: &Value, name: &str) -> Result<Value, String> {
    let params = json!({ "textDocument": { "uri": uri }, "position": at, "newName": name });
    editor.request("textDocument/rename", params)
}

#[test]
fn a_rename_changes_every_use_and_the_meaning_stays() {
    let mut editor = editor();
    editor.opened(LIB_URI, LIB);
    for (of, name) in [("pair", "couple"), ("c,", "channels_out"), ("k=3", "size"), ("wide", "wid")]
    {
        let at = place(LIB, LIB.find(of).unwrap());
        let changes = renamed(&mut editor, LIB_URI, &at, name).unwrap()["changes"].clone();
        let lib = edited(LIB, &changes[LIB_URI]);
        let main =
            if changes[URI].is_null() { MAIN.to_owned() } else { edited(MAIN, &changes[URI]) };
        editor.changed(LIB_URI, 2, &lib);
        editor.changed(URI, 2, &main);
        let titles = editor.titles(URI);
        assert!(
            titles.iter().all(|title| !title.starts_with("E02")),
            "{of}: {titles:?}\n{main}\n{lib}"
        );
        assert!(lib.contains(name), "{lib}");
        editor.changed(LIB_URI, 3, LIB);
        editor.changed(URI, 3, MAIN);
    }
    let at = place(MAIN, MAIN.find("mine").unwrap());
    let changes = renamed(&mut editor, URI, &at, "own").unwrap()["changes"].clone();
    let main = edited(MAIN, &changes[URI]);
    assert!(!main.contains("mine"), "{main}");
}

#[test]
fn a_rename_that_would_change_meanings_is_refused() {
    let mut editor = editor();
    for (of, name, why) in [
        ("width", "wide ", ""),
        ("width", "a b", "no name"),
        ("width", "train", "no name"),
        ("width", "conv", "exists already: a built-in layer"),
        ("width", "kept", "exists already: a local value"),
        ("kept", "i", "exists already"),
        ("stem", "relu1", ""),
        ("net a", "b", "exists already: a net"),
    ] {
        let at = place(MAIN, MAIN.find(of).unwrap() + usize::from(of.starts_with("net")) * 4);
        match renamed(&mut editor, URI, &at, name) {
            Ok(_) => assert_eq!(why, "", "{of} to {name}"),
            Err(error) => assert!(!why.is_empty() && error.contains(why), "{error}"),
        }
    }
    let prepared =
        editor.at("textDocument/prepareRename", URI, &place(MAIN, MAIN.find("sgd").unwrap()));
    assert!(prepared.is_null());
    let broken = MAIN.replace("train sgd(lr=0.1)", "train sgd(lr 0.1)");
    editor.changed(URI, 2, &broken);
    let at = place(&broken, broken.find("width").unwrap());
    assert!(renamed(&mut editor, URI, &at, "w").unwrap_err().contains("does not parse"));
}

#[test]
fn places_behind_other_scripts_are_right() {
    let (text, at) =
        marked("// 𝜆 → λ 漢字\nlet größe = 2\nlet ok = 1 // 𝜆\nlet b = /* */ 3\nlet c = ¦ok + 1\n");
    let mut editor = Editor::open(&text);
    let answer = editor.at("textDocument/definition", URI, &at);
    assert_eq!(slice(&text, &answer["range"]), "ok");
    let one = "let s = \"𝜆𝜆é\" let t = 1\nlet u = t";
    let mut editor = Editor::open(one);
    let answer = editor.at("textDocument/definition", URI, &place(one, one.len()));
    assert_eq!(answer["range"]["start"]["character"], 20);
}
