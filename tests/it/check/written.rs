//! Nets written in the language: the golden ones with the document of `specc check --json`, and unusual ones with their numbers.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};
use specc::check::numeric::Trial;
use specc::check::{Checked, Mode, Options};
use specc::compile::Compiled;
use specc::data::Locations;
use specc::report::check::json;

use crate::close::double;
use crate::golden::{golden_dir, json as read};
use crate::pipeline::{built, compile_at, no_imports, rendered};

/// Operations for the numbers of one net.
const BUDGET: u64 = 1_000_000_000;

fn compiled(text: &str, mode: Mode) -> Compiled {
    let (path, locations) = (Path::new("spec.net"), Locations::default());
    compile_at(path, text, &mut no_imports, &[], &locations, Options::from(mode))
}

/// The facts of a net in which there is no error.
fn sound(compiled: &Compiled) -> &Checked {
    compiled.checked.as_ref().unwrap_or_else(|| panic!("{}", rendered(compiled)))
}

fn document(text: &str, mode: Mode) -> Value {
    let compiled = compiled(text, mode);
    let (_, checked) = built(&compiled);
    json::document(Some(checked), &compiled.diagnostics, &compiled.sources, None)
}

/// A golden net as a spec; residuals and products become blocks.
struct Writer {
    blocks: String,
    count: usize,
    channels: Option<u64>,
}

impl Writer {
    fn chain(&mut self, layers: &Value) -> String {
        let layers: Vec<String> =
            layers.as_array().unwrap().iter().map(|layer| self.layer(layer)).collect();
        layers.join(" -> ")
    }

    fn branch(&mut self, layers: &Value) -> String {
        let chain = self.chain(layers);
        if chain.is_empty() { "in".to_owned() } else { format!("(in -> {chain})") }
    }

    fn layer(&mut self, layer: &Value) -> String {
        let op = layer["op"].as_str().unwrap();
        if let Some(channels) = layer["cout"].as_u64() {
            self.channels = Some(channels);
        }
        match op {
            "linear" => format!("linear({}, bias={})", layer["cout"], layer["bias"]),
            "conv" => format!(
                "conv({}, kernel={}, stride={}, pad={}, bias={})",
                layer["cout"], layer["kernel"], layer["stride"], layer["pad"], layer["bias"]
            ),
            "batch_norm" => format!("batch_norm(eps={}, affine={})", layer["eps"], layer["affine"]),
            "leaky_relu" => format!("leaky_relu({})", layer["slope"]),
            "max_pool" | "avg_pool" => format!("{op}({})", layer["size"]),
            "residual" => {
                let main = self.branch(&layer["main"]);
                let skip = self.branch(&layer["shortcut"]);
                self.block(&format!("{main} + {skip}"))
            }
            "product" => {
                let a = self.branch(&layer["a"]);
                let b = self.branch(&layer["b"]);
                self.block(&format!("{a} * {b}"))
            }
            plain => plain.to_owned(),
        }
    }

    fn block(&mut self, out: &str) -> String {
        self.count += 1;
        let name = format!("part{}", self.count);
        writeln!(self.blocks, "block {name}() {{ out {out} }}").unwrap();
        name
    }
}

fn golden_spec(case: &Value) -> String {
    let mut writer = Writer { blocks: String::new(), count: 0, channels: None };
    let chain = writer.chain(&case["layers"]);
    let (blocks, classes) = (&writer.blocks, writer.channels.unwrap());
    format!(
        "data synthetic(blobs, shape={}, classes={classes})\n{blocks}net golden {{ {chain} }}\n\
         loss cross_entropy\ntrain sgd(lr=0.1) {{ epochs = 1 }}\n",
        case["input_shape"]
    )
}

/// `4` → `"4"`, `"none"` → null.
fn exact(value: &Value) -> Value {
    value.as_i64().map_or(Value::Null, |degree| Value::String(degree.to_string()))
}

fn exact_map(map: &Value) -> Value {
    let map = map.as_object().unwrap().iter();
    Value::Object(map.map(|(name, value)| (name.clone(), exact(value))).collect())
}

#[test]
fn the_document_states_the_golden_facts() {
    let Some(dir) = golden_dir() else { return };
    let file = read(&dir.join("homogeneity.json"));
    let cases = file["networks"].as_array().unwrap();
    assert!(cases.len() >= 30);
    for case in cases {
        let name = &case["name"];
        let (mode, word) = match case["batch_norm_mode"].as_str().unwrap() {
            "eval" => (Mode::Eval, "eval"),
            _ => (Mode::Train, "train"),
        };
        let found = document(&golden_spec(case), mode);
        let (found, facts) = (&found["homogeneity"], &case["facts"]);
        assert_eq!(found["mode"], word, "{name}");
        assert_eq!(found["joint"]["degree"], exact(&facts["joint"]["degree"]), "{name}");
        assert_eq!(found["input"]["degree"], exact(&facts["input"]["degree"]), "{name}");
        assert_eq!(found["layers"], exact_map(&facts["per_layer"]), "{name}");
        assert_eq!(found["tensors"], exact_map(&facts["per_tensor"]), "{name}");
        for key in ["quasi_weights_one", "quasi_general"] {
            let expected = match &facts[key] {
                Value::Null => Value::Null,
                some => serde_json::json!({
                    "exponents": exact_map(&some["exponents"]),
                    "degree": exact(&some["degree"]),
                }),
            };
            assert_eq!(found[key], expected, "{name}: {key}");
        }
        for place in ["joint", "input"] {
            let refused = facts[place]["degree"] == "none";
            let witness = &found[place]["witness"];
            assert_eq!(witness.is_object(), refused, "{name}: {place}");
            assert!(!refused || witness["before"] != witness["after"], "{name}: {place}");
        }
    }
}

/// The kind of a JSON value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn a_document_has_every_field_of_the_contract() {
    let text = "data digits\nnet n { flatten  fc1: linear(8) -> batch_norm -> relu -> tanh  linear(classes) }\n\
                loss two_scale(delta=0.1)\ntrain sgd(lr=0.1) { epochs = 1 }\n";
    let document = document(text, Mode::Train);
    let has = |value: &Value, fields: &[(&str, &str)]| {
        let value: &Map<String, Value> = value.as_object().unwrap();
        for (field, expected) in fields {
            assert!(value.contains_key(*field), "no {field} in {value:?}");
            assert_eq!(kind(&value[*field]), *expected, "{field}");
        }
    };
    assert_eq!(document["schema"], "specc.check/1");
    assert_eq!(document["ok"], false);
    let homogeneity = &document["homogeneity"];
    has(&document, &[("diagnostics", "array"), ("params", "number"), ("layers", "array")]);
    has(&document, &[("flops_per_sample", "number"), ("homogeneity", "object")]);
    has(
        &document["diagnostics"][0],
        &[("code", "string"), ("severity", "string"), ("message", "string"), ("file", "string")],
    );
    has(
        &document["diagnostics"][0],
        &[("line", "number"), ("column", "number"), ("help", "string")],
    );
    has(
        &document["layers"][0],
        &[("name", "string"), ("kind", "string"), ("shape", "array"), ("params", "number")],
    );
    let facts = [
        ("joint", "object"),
        ("layers", "object"),
        ("tensors", "object"),
        ("input", "object"),
        ("quasi_weights_one", "null"),
        ("quasi_general", "object"),
        ("symmetries", "array"),
        ("scale_free", "array"),
    ];
    has(homogeneity, &facts);
    has(&homogeneity["limit"], &facts);
    has(homogeneity, &[("mode", "string"), ("degree_one", "object"), ("limit", "object")]);
    has(&homogeneity["limit"], &[("bound", "object")]);
    has(homogeneity, &[("normalizer", "object")]);
    has(&homogeneity["degree_one"], &[("ok", "bool"), ("failures", "array")]);
    has(
        &homogeneity["degree_one"]["failures"][0],
        &[("name", "string"), ("line", "number"), ("reason", "string")],
    );
    has(&homogeneity["joint"], &[("degree", "null"), ("witness", "object")]);
    has(
        &homogeneity["joint"]["witness"],
        &[("c", "number"), ("before", "array"), ("after", "array")],
    );
    let silent = homogeneity["symmetries"].as_array().unwrap();
    let silent = silent.iter().find(|symmetry| symmetry["leaves_logits"] == true).unwrap();
    has(silent, &[("exponents", "object"), ("conserved", "string")]);
    has(&homogeneity["normalizer"], &[("formula", "string"), ("factors", "array")]);
    has(&homogeneity["normalizer"]["factors"][0], &[("tensor", "string"), ("exponent", "string")]);
    assert_eq!(homogeneity["limit"]["scale_free"], serde_json::json!(["fc1.weight", "fc1.bias"]));
}

/// Body of the net, head of the net, joint degree, formula of R; empty where there is none.
const UNUSUAL: [(&str, &str, &str, &str); 19] = [
    (
        "flatten -> linear(8) -> skip -> linear(classes)",
        "bias=false",
        "",
        "‖linear1.weight‖ · ‖linear3.weight‖",
    ),
    (
        "flatten -> linear(8) -> batch_norm(affine=false, eps=0) -> relu -> linear(classes)",
        "bias=false",
        "1",
        "‖linear2.weight‖",
    ),
    (
        "flatten -> linear(8) -> layer_norm(eps=0) -> relu -> linear(classes)",
        "bias=false",
        "2",
        "‖ln1.weight‖ · ‖linear2.weight‖",
    ),
    (
        "conv(4, kernel=3) -> group_norm(2) -> relu  flatten  linear(classes)",
        "bias=false",
        "",
        "‖gn1.weight‖ · ‖linear1.weight‖",
    ),
    (
        "flatten -> linear(8) -> prelu -> linear(classes)",
        "bias=false",
        "",
        "‖linear1.weight‖ · ‖linear2.weight‖",
    ),
    (
        "flatten -> linear(8) -> gate -> linear(classes)",
        "bias=false",
        "4",
        "‖linear1.weight‖^2 · ‖linear2.weight‖ · ‖linear3.weight‖",
    ),
    (
        "flatten -> linear(8) -> both -> linear(classes)",
        "bias=false",
        "",
        "‖linear1.weight‖ · ‖linear3.weight‖",
    ),
    (
        "flatten -> linear(8) -> both -> batch_norm(eps=0) -> linear(classes)",
        "bias=false",
        "2",
        "‖bn1.weight‖ · ‖linear3.weight‖",
    ),
    (
        "flatten -> linear(8) -> dropout(0.3) -> linear(classes)",
        "bias=false",
        "2",
        "‖linear1.weight‖ · ‖linear2.weight‖",
    ),
    (
        "conv(4, kernel=3, pad=1) -> avg_pool(2, pad=1)  flatten  linear(classes)",
        "bias=false",
        "2",
        "‖conv1.weight‖ · ‖linear1.weight‖",
    ),
    (
        "depthwise_conv(3) -> abs -> conv(4, kernel=1) -> global_avg_pool -> linear(classes)",
        "bias=false",
        "3",
        "‖conv1.weight‖ · ‖conv2.weight‖ · ‖linear1.weight‖",
    ),
    ("flatten -> linear(8) -> softmax -> linear(classes)", "bias=false", "", "‖linear2.weight‖"),
    (
        "flatten -> twice -> twice -> linear(classes)",
        "bias=false",
        "3",
        "‖linear1.weight‖ · ‖linear2.weight‖ · ‖linear3.weight‖",
    ),
    ("flatten -> a: linear(8) -> relu -> b: linear(classes)", "", "", "‖a.weight‖ · ‖b.weight‖"),
    (
        "flatten -> linear(8) -> tanh -> linear(classes)",
        "allow=[nonhomogeneous]",
        "",
        "‖linear2.weight‖",
    ),
    (
        "flatten -> linear(8) -> gelu -> batch_norm -> linear(classes)",
        "allow=[nonhomogeneous]",
        "",
        "‖bn1.weight‖ · ‖linear2.weight‖",
    ),
    (
        "flatten -> linear(8) -> silu -> sigmoid -> linear(classes)",
        "allow=[nonhomogeneous]",
        "",
        "‖linear2.weight‖",
    ),
    ("flatten -> linear(classes) -> batch_norm(affine=false, eps=0)", "", "0", ""),
    (
        "flatten -> repeat i in 0..20 { linear(6) -> leaky_relu(0.2) } linear(classes)",
        "bias=false",
        "21",
        "",
    ),
];

const PARTS: &str = "\
block skip() { out (in -> relu -> linear(8)) + in }
block gate() { out (in -> relu) * (in -> linear(8) -> relu) }
block both() { out concat(in, in -> linear(8)) }
block twice() { out in -> linear(8) -> relu }
";

#[test]
fn unusual_nets_are_judged_right() {
    for (body, head, joint, size) in UNUSUAL {
        let body = body.replace("-> repeat", "\n repeat").replace("} linear", "}\n linear");
        let text = format!(
            "data digits\n{PARTS}net n({head}) {{ {body} }}\nloss cross_entropy\ntrain sgd(lr=0.1) {{ epochs = 1 }}\n"
        );
        for mode in [Mode::Train, Mode::Eval] {
            let compiled = compiled(&text, mode);
            let checked = sound(&compiled);
            if mode == Mode::Train {
                let found = checked.exact().joint.as_ref().map(ToString::to_string);
                assert_eq!(found.unwrap_or_default(), joint, "{body}");
                let found = checked.training().normalizer.as_ref();
                let found = found.map(|n| n.formula(checked.graph())).unwrap_or_default();
                assert!(size.is_empty() || found == size, "{body}: {found}");
            }
            for tried in Trial::new(checked, BUDGET).drawn() {
                let what = format!("{body}: {mode:?} {}", tried.claim.name);
                match tried.claim.degree {
                    Some(_) => {
                        assert!(
                            tried.worst.unwrap() < double::DIFFERENCE,
                            "{what}: {:?}",
                            tried.worst
                        );
                    }
                    None => assert!(tried.witness.is_some(), "{what}: no witness"),
                }
            }
        }
    }
}

/// The factors of R under a loss.
fn size_of(net: &str, loss: &str) -> (specc::check::Normalizer, String) {
    let text = format!("{net}\nloss {loss}\ntrain sgd(lr=0.1) {{ epochs = 1 }}\n");
    let compiled = compiled(&text, Mode::Train);
    let checked = sound(&compiled);
    let size = checked.normalizer().unwrap().clone();
    let formula = size.formula(checked.graph());
    (size, formula)
}

#[test]
fn derived_is_the_default_and_the_same_as_weights_without_norms() {
    for head in ["", "(bias=false)"] {
        let net = format!(
            "data digits\nnet lenet{head} {{ conv(4, kernel=3) -> relu -> max_pool(2)  flatten\n\
             linear(9) -> leaky_relu -> linear(classes) }}"
        );
        let (weights, _) = size_of(&net, "two_scale(delta=1, size=weights)");
        let (derived, _) = size_of(&net, "two_scale(delta=1, size=derived)");
        let (default, _) = size_of(&net, "two_scale(delta=1)");
        assert_eq!(weights, derived);
        assert_eq!(derived, default);
    }
}

#[test]
fn a_wide_residual_net_has_a_size_without_stating_one() {
    let text = include_str!("../../../specs/wrn16_4_cifar10.net").replace(", size=weights", "");
    let compiled = compiled(&text, Mode::Train);
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    let checked = sound(&compiled);
    let formula = checked.normalizer().unwrap().formula(checked.graph());
    assert_eq!(formula, "‖bn13.weight‖ · ‖linear1.weight‖");
}
