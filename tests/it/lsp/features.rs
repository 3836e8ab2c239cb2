//! Diagnostics, fixes, hover, hints, symbols, folds, tokens, formatting.

use serde_json::{Value, json};

use super::{Editor, URI, edited, marked, place, slice};

const LENET: &str = "\
/// Twelve classes → of λ.
data cifar100
net lenet(bias=false) {
  c1: conv(6, kernel=5) -> relu -> max_pool(2)
  repeat 2 { conv(16, kernel=3, pad=1) -> relu }
  flatten -> linear(classes)
}
loss two_scale(delta=0.5)
train sgd(lr=0.1) { batch = 128  epochs = 2 }
";

#[test]
fn an_error_in_one_item_leaves_the_others_alive() {
    let text = LENET.replace("two_scale(delta=0.5)", "two_scale(delta 0.5)");
    let mut editor = Editor::open(&text);
    let titles = editor.titles(URI);
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(titles[0].starts_with("E0114"), "{titles:?}");
    // The net still has its shapes, and the broken item is in the outline.
    let hints = editor.request("textDocument/inlayHint", whole(&text)).unwrap();
    assert!(hints.to_string().contains("[n, 6, 28, 28]"), "{hints}");
    let symbols = editor.about("textDocument/documentSymbol");
    let names: Vec<&str> =
        symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["data cifar100", "net lenet", "loss two_scale", "train sgd"]);
}

#[test]
fn shapes_go_as_far_as_the_net_does() {
    let text = LENET.replace("flatten -> ", "");
    let mut editor = Editor::open(&text);
    assert_eq!(editor.titles(URI), ["E0304 `linear` needs a flat input"]);
    let hints = editor.request("textDocument/inlayHint", whole(&text)).unwrap();
    assert!(hints.to_string().contains("[n, 16, 14, 14]"), "{hints}");
}

fn whole(text: &str) -> Value {
    json!({
        "textDocument": { "uri": URI },
        "range": { "start": { "line": 0, "character": 0 }, "end": place(text, text.len()) },
        "context": { "diagnostics": [] },
    })
}

#[test]
fn diagnostics_keep_every_label_note_and_help() {
    let text =
        "data digits\ndata digits\nnet a { flatten -> linear(classes) }\nloss mse\ntrain sgd";
    let mut editor = Editor::open(text);
    let (version, all) = editor.diagnostics(URI);
    assert_eq!((version, all.len()), (Some(1), 1));
    let one = &all[0];
    assert_eq!(one["code"], "E0207");
    assert_eq!(one["severity"], 1);
    assert_eq!(one["source"], "specc");
    let message = one["message"].as_str().unwrap();
    for part in ["a second `data`", "declared again", "expected: exactly one", "help: remove one"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(slice(text, &one["range"]), "data digits");
    let related = &one["relatedInformation"][0];
    assert_eq!(related["message"], "first declared here");
    assert_eq!(related["location"]["range"]["start"]["line"], 0);
}

#[test]
fn problems_of_an_import_stand_at_the_import() {
    let mut editor = Editor::with(&[("/home/ada/lib.net", "block b { conv( }")], &json!({}));
    let text = "import \"lib.net\"\ndata digits\nnet a { flatten -> linear(classes) }\nloss mse\ntrain sgd";
    editor.opened(URI, text);
    let (_, all) = editor.diagnostics(URI);
    assert_eq!(slice(text, &all[0]["range"]), "\"lib.net\"");
    let there = &all[0]["relatedInformation"][0]["location"];
    assert_eq!(there["uri"], "file:///home/ada/lib.net");
    // What is open counts; the importer is looked at again when it changes.
    editor.opened("file:///home/ada/lib.net", "block b { conv(6, kernel=1) }");
    let titles = editor.titles(URI);
    assert!(titles.iter().all(|title| title.starts_with('W')), "{titles:?}");
    assert_eq!(editor.titles("file:///home/ada/lib.net"), Vec::<String>::new());
    editor.changed("file:///home/ada/lib.net", 2, "block b { conv( }");
    assert_ne!(editor.titles(URI), titles);
    editor.notify(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": "file:///home/ada/lib.net" } }),
    );
    assert_eq!(editor.diagnostics("file:///home/ada/lib.net"), (None, vec![]));
}

/// The text after the first fix that is offered where a mark stands.
fn fixed(text: &str) -> (String, String) {
    let (text, at) = marked(text);
    let mut editor = Editor::open(&text);
    let params = json!({
        "textDocument": { "uri": URI },
        "range": { "start": at, "end": at },
        "context": { "diagnostics": [] },
    });
    let actions = editor.request("textDocument/codeAction", params).unwrap();
    let first = &actions[0];
    let title = first["title"].as_str().unwrap_or_else(|| panic!("no fix in {text}"));
    (title.to_owned(), edited(&text, &first["edit"]["changes"][URI]))
}

#[test]
fn fixes_are_the_edits_that_the_help_speaks_of() {
    let spec = |net: &str| {
        format!("data digits\nnet a {{ {net} }}\nloss mse\ntrain sgd(lr=0.1) {{ epochs = 1 }}\n")
    };
    for (wrong, title, right) in [
        ("flatten -> lin¦aer(classes)", "did you mean `linear`?", "flatten -> linear(classes)"),
        ("lin¦ear(classes)", "insert `flatten` before", "flatten -> linear(classes)"),
        ("flatten -> lin¦ear (classes)", "write `linear(`", "flatten -> linear(classes)"),
        ("flatten -> linear(4¦)", "write `linear(classes)`", "flatten -> linear(classes)"),
        ("flatten¦; linear(classes)", "remove `;`", "flatten linear(classes)"),
        ("flatten →¦ linear(classes)", "write `->`", "flatten -> linear(classes)"),
        (
            "flatten -> dropout(.¦5) -> linear(classes)",
            "write `0.5`",
            "flatten -> dropout(0.5) -> linear(classes)",
        ),
        (
            "flatten -> linear(classes bi¦as=true)",
            "insert `,`",
            "flatten -> linear(classes , bias=true)",
        ),
        (
            "flatten -> linear(classes, bias¦: true)",
            "write `bias=…`",
            "flatten -> linear(classes, bias= true)",
        ),
    ] {
        let (found, text) = fixed(&spec(wrong));
        assert!(found.starts_with(title), "{found}");
        assert_eq!(text, spec(right));
    }
    let (title, text) = fixed("data digits\nnet a { flatten -> linear(classes) }\nloss mse¦\n");
    assert_eq!(title, "add a line such as `train sgd(lr=0.1) { epochs = 10 }`");
    assert!(text.ends_with("train sgd(lr=0.1) { epochs = 10 }\n\n"), "{text}");
    let (title, text) = fixed(
        "let un¦used = 3\n\ndata digits\nnet a { flatten -> linear(classes) }\nloss mse\ntrain sgd",
    );
    assert_eq!(title, "remove `unused`");
    assert!(text.starts_with("\ndata digits"), "{text}");
}

#[test]
fn a_layer_that_breaks_degree_one_can_be_replaced_or_allowed() {
    let text = "data digits\nnet a(bias=false) { flatten -> linear(8) -> tanh -> linear(classes) }\nloss single_scale\ntrain sgd\n";
    let mut editor = Editor::open(text);
    let params = whole(text);
    let actions = editor.request("textDocument/codeAction", params).unwrap();
    let edits: Vec<String> = actions
        .as_array()
        .unwrap()
        .iter()
        .map(|action| edited(text, &action["edit"]["changes"][URI]))
        .collect();
    assert!(edits.iter().any(|text| text.contains("-> relu ->")), "{actions}");
    assert!(
        edits.iter().any(|text| text.contains("(bias=false, allow=[nonhomogeneous])")),
        "{actions}"
    );
}

fn hover(text: &str) -> String {
    let (text, at) = marked(text);
    let mut editor = Editor::open(&text);
    let answer = editor.at("textDocument/hover", URI, &at);
    answer["contents"]["value"].as_str().unwrap_or("").to_owned()
}

#[test]
fn hover_shows_documentation_shapes_parameters_and_degrees() {
    let layer = hover(&LENET.replace("c1: conv", "c1: co¦nv"));
    for part in [
        "| `c1` | [n, 6, 28, 28] | 450 |",
        "| 1 | 1 |",
        "conv(channels, kernel=, stride=1",
        "rank 4 (E0304)",
        "d_in + e_W",
    ] {
        assert!(layer.contains(part), "{part} in {layer}");
    }
    let twice = hover(&LENET.replace("{ conv(16", "{ c¦onv(16"));
    assert!(twice.contains("| `conv1` | [n, 16, 14, 14] | 864 |"), "{twice}");
    assert!(twice.contains("| `conv2` | [n, 16, 14, 14] | 2,304 |"), "{twice}");
    let key = hover(&LENET.replace("kernel=5", "ker¦nel=5"));
    assert!(key.contains("size of the window"), "{key}");
    let loss = hover(&LENET.replace("two_scale", "two_sc¦ale"));
    assert!(loss.contains("r ẑ") && loss.contains("margin from which"), "{loss}");
    let net = hover(&LENET.replace("net lenet", "net le¦net"));
    assert!(net.contains("degree 4") && net.contains("R = ‖c1.weight‖"), "{net}");
    let keyword = hover(&LENET.replace("train sgd", "tr¦ain sgd"));
    assert!(keyword.contains("how to train"), "{keyword}");
    let focal = hover("loss fo¦cal(gamma=2)");
    assert!(focal.contains("−(1 − p_y)^γ log p_y"), "{focal}");
    assert_eq!(hover("loss mse // ¦x"), "");
}

#[test]
fn hover_knows_measures_and_definitions() {
    let sweep = "sweep s {\n  loss in [one: mse, two: hinge]\n  seeds in 0..3\n}\n";
    let claim = "claim \"x\" { test.close_en¦ough(0.05) of two > 0.1 }";
    let measure = hover(&format!("{sweep}{claim}"));
    assert!(measure.contains("p_y ≥ max_i p_i − a"), "{measure}");
    let masses = hover(&format!("{sweep}claim \"x\" {{ test.mas¦ses(0.1).well of two > 0.1 }}"));
    assert!(masses.contains("m / R > μ"), "{masses}");
    let label = hover(&format!("{sweep}claim \"x\" {{ R of tw¦o > 0.1 }}"));
    assert!(label.contains("two: hinge"), "{label}");
    let block = hover("/// Twice.\nblock two(c, k=3) { conv(c, kernel=k) }\nnet a { tw¦o(4) }");
    assert!(block.contains("block two(c, k=3)") && block.contains("Twice."), "{block}");
}

#[test]
fn hints_show_shapes_and_on_request_degrees() {
    let mut editor = Editor::open(LENET);
    let hints = editor.request("textDocument/inlayHint", whole(LENET)).unwrap();
    let labels = |hints: &Value| -> Vec<String> {
        hints
            .as_array()
            .unwrap()
            .iter()
            .map(|hint| hint["label"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(labels(&hints)[..2], ["[n, 6, 28, 28]", "[n, 6, 28, 28]"]);
    assert_eq!(labels(&hints).len(), 7);
    assert!(hints[0]["tooltip"].as_str().unwrap().contains("c1: [n, 6, 28, 28], degree 1"));
    let settings = json!({ "settings": { "specc": { "hints": { "degrees": true } } } });
    editor.notify("workspace/didChangeConfiguration", settings);
    let hints = editor.request("textDocument/inlayHint", whole(LENET)).unwrap();
    assert_eq!(labels(&hints)[0], "[n, 6, 28, 28] degree 1");
    assert_eq!(labels(&hints)[3], "[n, 16, 14, 14] degree 2 | [n, 16, 14, 14] degree 3");
    let settings = json!({ "settings": { "hints": { "degrees": false, "shapes": false } } });
    editor.notify("workspace/didChangeConfiguration", settings);
    let hints = editor.request("textDocument/inlayHint", whole(LENET)).unwrap();
    assert_eq!(hints, json!([]));
}

#[test]
fn cells_of_sweeps_are_looked_at_when_the_user_rests() {
    let text = "data digits\nnet a { flatten -> linear(classes) }\ntrain sgd\n\
                sweep s { loss in [one: mse, two: truncated(k=2)]  seeds in 0..2 }\n";
    let mut editor = Editor::open(text);
    let answers = editor.server.rest();
    editor.keep(&answers);
    // The first cell stands for the spec, so that nothing is missing, and shapes are known.
    assert_eq!(editor.told[URI], (Some(1), vec![]));
    let hints = editor.request("textDocument/inlayHint", whole(text)).unwrap();
    assert!(hints.to_string().contains("[n, 64]"), "{hints}");
    let titles = editor.titles(URI);
    assert_eq!(titles, ["E0206 `k` is out of range"]);
    let (version, all) = editor.diagnostics(URI);
    assert!(all[0]["message"].as_str().unwrap().contains("in the cell loss=two"), "{all:?}");
    assert_eq!(version, Some(1));
}

#[test]
fn blocks_show_where_they_end_and_norms_the_degree_of_the_limit() {
    let text = "data cifar10\nblock b(c) { out (in -> conv(c, kernel=3, pad=1) -> batch_norm) + (in -> conv(c, kernel=1)) }\n\
                net a(bias=false) { b(8) -> global_avg_pool -> linear(classes) }\nloss mse\ntrain sgd\n";
    let mut editor = Editor::open(text);
    let settings = json!({ "settings": { "specc": { "hints": { "degrees": true } } } });
    editor.notify("workspace/didChangeConfiguration", settings);
    let hints = editor.request("textDocument/inlayHint", whole(text)).unwrap();
    let behind = place(text, text.find("b(8)").unwrap() + 4);
    let hint = hints.as_array().unwrap().iter().find(|hint| hint["position"] == behind).unwrap();
    let label = hint["label"].as_str().unwrap();
    assert!(label.starts_with("[n, 8, 32, 32] degree 1 in the limit"), "{label}");
    let hover = hover(&text.replace("b(8)", "¦b(8)"));
    assert!(hover.contains("4 layers, 256 parameters, ends in [n, 8, 32, 32]"), "{hover}");
}

#[test]
fn symbols_folds_and_tokens_stand_at_their_places() {
    let mut editor = Editor::open(LENET);
    let symbols = editor.about("textDocument/documentSymbol");
    let net = &symbols[1];
    assert_eq!(slice(LENET, &net["selectionRange"]), "lenet");
    assert_eq!(net["children"][0]["name"], "c1");
    let folds = editor.about("textDocument/foldingRange");
    assert_eq!(folds[0]["startLine"], 2);
    assert_eq!(folds[0]["endLine"], 5);
    let tokens = editor.about("textDocument/semanticTokens/full");
    let data: Vec<u64> =
        tokens["data"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let (mut line, mut character) = (0, 0);
    let mut words = vec![];
    for token in data.chunks(5) {
        character = if token[0] == 0 { character + token[1] } else { token[1] };
        line += token[0];
        let range = json!({
            "start": { "line": line, "character": character },
            "end": { "line": line, "character": character + token[2] },
        });
        words.push((slice(LENET, &range).to_owned(), token[3], token[4]));
    }
    let class =
        |word: &str| words.iter().find(|(text, ..)| text == word).map(|(_, ty, m)| (*ty, *m));
    assert_eq!(class("/// Twelve classes → of λ."), Some((1, 4)));
    assert_eq!(class("net"), Some((0, 0)));
    assert_eq!(class("conv"), Some((6, 2)));
    assert_eq!(class("c1"), Some((12, 1)));
    assert_eq!(class("kernel"), Some((9, 2)));
    assert_eq!(class("0.5"), Some((3, 0)));
    assert_eq!(class("two_scale"), Some((5, 2)));
}

#[test]
fn formatting_is_one_edit_of_what_differs() {
    let text = LENET
        .replace("  flatten ->", "flatten   ->")
        .replace("loss two_scale(", "loss two_scale( ");
    let mut editor = Editor::open(&text);
    let params = json!({
        "textDocument": { "uri": URI },
        "options": { "tabSize": 2, "insertSpaces": true },
    });
    let edits = editor.request("textDocument/formatting", params.clone()).unwrap();
    assert_eq!(edited(&text, &edits), specc::syntax::format(&text).unwrap());
    assert_eq!(edits[0]["range"]["start"]["line"], 5);
    editor.changed(URI, 2, "net {");
    assert!(editor.request("textDocument/formatting", params).unwrap_err().contains("formatted"));
}
