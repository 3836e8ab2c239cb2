//! Completion at many kinds of places, in texts that do not parse.

use serde_json::{Value, json};

use super::{Editor, URI, marked};

fn offered(text: &str) -> Vec<Value> {
    let (text, at) = marked(text);
    let lib = "let wide = 8\nblock pair(c, k=3) { conv(c, kernel=k) }\nloss own(g=1) { out g }\n";
    let capabilities = json!({
        "textDocument": { "completion": { "completionItem": { "snippetSupport": true } } },
    });
    let mut editor = Editor::with(&[("/home/ada/lib.net", lib)], &capabilities);
    editor.opened(URI, &text);
    editor.at("textDocument/completion", URI, &at).as_array().cloned().unwrap_or_default()
}

fn labels(text: &str) -> Vec<String> {
    offered(text).iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_place_offers_what_may_stand_there() {
    let sweep = "sweep s { loss in [one: mse, two: hinge]  recipe in [fast: { train.lr = 1 }] ";
    for (text, has, lacks) in [
        ("¦", "data", "conv"),
        ("data digits\n¦", "net", "conv"),
        ("data ¦", "cifar10", "net"),
        ("data cifar10(¦", "normalize", "conv"),
        ("data cifar10(normalize=¦", "half", "normalize"),
        ("data cifar10(augment=[¦", "flip", "half"),
        ("data cifar10(subset=1, ¦", "augment", "subset"),
        ("net a {\n  ¦", "conv", "sgd"),
        ("net a {\n  conv(6, kernel=3) -> re¦", "relu", "let"),
        ("net a {\n  re¦", "repeat", "sgd"),
        ("net a(¦", "bias", "kernel"),
        ("net a(init=¦", "he_normal", "bias"),
        ("net a { conv(6, ¦", "kernel", "channels="),
        ("net a { conv(6, pad=¦", "same", "kernel"),
        ("net a { conv(6, bias=¦) }", "false", "kernel"),
        ("net a { let x = in\n  ¦", "x", "sgd"),
        ("net a { repeat i in 0..3 { ¦", "i", "sgd"),
        ("import \"lib.net\"\nnet a { ¦", "pair", "own"),
        ("import \"lib.net\"\nnet a { pair(¦", "k", "conv"),
        ("import \"lib.net\"\nloss ¦", "own", "pair"),
        ("import \"¦\"", "lib.net", "conv"),
        ("block b(c, k=3) { conv(¦", "c", "sgd"),
        ("block b { out main + ¦", "in", "let"),
        ("loss ¦", "two_scale", "conv"),
        ("loss two_scale(base=¦", "focal", "conv"),
        ("loss two_scale(r1=¦", "trainable", "focal"),
        ("loss my(g=2) { out ¦", "softmax", "conv"),
        ("loss my(g=2) { out ¦", "g", "conv"),
        ("train ¦", "asam", "conv"),
        ("train sam(¦", "sgd", "conv"),
        ("train sgd(schedule=¦", "cosine", "lr"),
        ("train sgd { ¦", "batch", "lr"),
        ("train sgd { batch = 3  ¦", "epochs", "lr"),
        ("train sgd { last_batch = ¦", "drop", "epochs"),
        ("analyze { ¦", "conserved", "batch"),
        ("let w = 1\nlet x = ¦", "w", "conv"),
        ("data digits\nlet w = 2\ntrain sgd\nsweep s { ¦", "train.lr", "conv"),
        ("data digits\nlet w = 2\nsweep s { let.¦", "let.w", "conv"),
        ("data digits\nsweep s { ¦", "data.subset", "conv"),
        ("sweep s { data.normalize in [¦", "half", "conv"),
        ("sweep s { loss in [a: ¦", "mse", "conv"),
        ("net n { identity }\nsweep s { net in [¦", "n", "conv"),
        ("train sgd\nsweep s { r in [a: { ¦", "train.momentum", "conv"),
        (&format!("{sweep} where ¦"), "recipe", "two"),
        (&format!("{sweep} where loss == ¦"), "two", "fast"),
        (&format!("{sweep} }}\nclaim \"c\" {{ ¦"), "test.close_enough(a)", "two"),
        (&format!("{sweep} }}\nclaim \"c\" {{ ¦"), "val.accuracy", "two"),
        ("train sgd { keep = ¦", "best", "conv"),
        ("data digits(label_noise=¦", "symmetric", "conv"),
        (&format!("{sweep} }}\nclaim \"c\" {{ R of ¦"), "fast", "R"),
        (&format!("{sweep} }}\nclaim \"c\" {{ R of (loss=¦"), "two", "fast"),
        ("assert ¦", "homogeneous", "conv"),
        (
            "data digits\nnet a { flatten  f: linear(classes) }\nloss mse\ntrain sgd\nassert scale_free(¦",
            "f",
            "conv",
        ),
    ] {
        let labels = labels(text);
        assert!(labels.iter().any(|label| label == has), "{text}: no {has} in {labels:?}");
        assert!(!labels.iter().any(|label| label == lacks), "{text}: {lacks}");
    }
    for nothing in ["net ¦", "// co¦", "let ¦", "data \"a¦b\"", "net a { conv(\"co¦", "block ¦"]
    {
        assert_eq!(labels(nothing), Vec::<String>::new(), "{nothing}");
    }
}

#[test]
fn offers_carry_documentation_defaults_and_places_to_fill_in() {
    let all = offered("net a {\n  co¦");
    let conv = all.iter().find(|item| item["label"] == "conv").unwrap();
    assert_eq!(conv["textEdit"]["newText"], "conv(${1:channels}, kernel=${2:kernel})");
    assert_eq!(conv["textEdit"]["range"]["start"]["character"], 2);
    assert!(conv["detail"].as_str().unwrap().starts_with("conv(channels, kernel=, stride=1"));
    assert!(conv["documentation"]["value"].as_str().unwrap().contains("Cross-correlation"));
    let all = offered("train sgd(¦");
    let lr = all.iter().find(|item| item["label"] == "lr").unwrap();
    assert_eq!(lr["textEdit"]["newText"], "lr=${1:0.1}");
    assert!(lr["documentation"]["value"].as_str().unwrap().contains("above 0"));
}
