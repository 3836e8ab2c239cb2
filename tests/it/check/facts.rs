//! `golden/homogeneity.json`, case by case: every fact, and the forward values of the interpreter.

use serde_json::Value;
use specc::check::numeric::{Interpreter, Point, claims, confirm};
use specc::check::{Exponents, Judgement, Mode, Number, Scaling};
use specc::ir::Graph;

use super::nets::Net;
use crate::close::double;
use crate::golden::{bytes, f64s, golden_dir, json};
use safetensors::SafeTensors;

#[test]
fn every_golden_fact_holds() {
    let Some(dir) = golden_dir() else { return };
    let file = json(&dir.join("homogeneity.json"));
    let bytes = bytes(&dir.join("homogeneity.safetensors"));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for case in file["networks"].as_array().unwrap() {
        let (graph, judgement) = net(case);
        let logits = graph.output("logits").unwrap();
        let scaling = Scaling::of(&graph, logits, judgement);
        facts(case, &graph, &scaling);
        forward(case, &graph, judgement, &tensors);
        numbers(case, &graph, &scaling);
    }
}

fn net(case: &Value) -> (Graph, Judgement) {
    let dims: Vec<usize> = case["input_shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.as_u64().unwrap() as usize)
        .collect();
    let mut net = Net::new();
    let x = net.input(&dims);
    let logits = net.sequence(&case["layers"], x);
    let mode = match case["batch_norm_mode"].as_str().unwrap() {
        "eval" => Mode::Eval,
        _ => Mode::Train,
    };
    (net.finish(logits), Judgement { mode, limit: false })
}

fn facts(case: &Value, graph: &Graph, scaling: &Scaling) {
    let name = &case["name"];
    let facts = &case["facts"];
    let degree = |value: &Value| value.as_i64().map(Number::int);
    assert_eq!(scaling.joint, degree(&facts["joint"]["degree"]), "{name}: joint");
    assert_eq!(scaling.input, degree(&facts["input"]["degree"]), "{name}: input");
    for (layer, found) in &scaling.layers {
        let layer = &graph.layer(*layer).name;
        assert_eq!(*found, degree(&facts["per_layer"][layer]), "{name}: layer {layer}");
    }
    for (param, found) in graph.params.iter().zip(&scaling.tensors) {
        let expected = degree(&facts["per_tensor"][&param.name]);
        assert_eq!(*found, expected, "{name}: tensor {}", param.name);
    }
    for (key, found) in
        [("quasi_weights_one", &scaling.weights_one), ("quasi_general", &scaling.general)]
    {
        exponents(&format!("{name}: {key}"), &facts[key], graph, found.as_ref());
    }
}

fn exponents(what: &str, expected: &Value, graph: &Graph, found: Option<&Exponents>) {
    assert_eq!(found.is_none(), expected.is_null(), "{what}");
    let Some(found) = found else { return };
    assert_eq!(found.degree, Number::int(expected["degree"].as_i64().unwrap()), "{what}");
    for (param, value) in graph.params.iter().zip(&found.of) {
        let expected = Number::int(expected["exponents"][&param.name].as_i64().unwrap());
        assert_eq!(*value, expected, "{what}: {}", param.name);
    }
}

fn forward(case: &Value, graph: &Graph, judgement: Judgement, tensors: &SafeTensors<'_>) {
    let named =
        |group: &str, name: &str| f64s(tensors, case["tensors"][group][name].as_str().unwrap());
    let eval = judgement.mode == Mode::Eval;
    let zeros = |len: usize| vec![0.0; len];
    let point = Point {
        params: graph.params.iter().map(|param| named("parameters", &param.name)).collect(),
        buffers: graph
            .buffers
            .iter()
            .map(|b| if eval { named("running", &b.name) } else { zeros(b.shape.elements()) })
            .collect(),
        input: f64s(tensors, case["tensors"]["x"].as_str().unwrap()),
        n: 6,
    };
    let logits = graph.output("logits").unwrap();
    let found = Interpreter::new(graph, logits, judgement).evaluate(&point).unwrap();
    let expected = f64s(tensors, case["tensors"]["logits"].as_str().unwrap());
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= double::PASS * b.abs().max(1.0), "{}: {a} {b}", case["name"]);
    }
}

fn numbers(case: &Value, graph: &Graph, scaling: &Scaling) {
    let logits = graph.output("logits").unwrap();
    let interpreter = Interpreter::new(graph, logits, scaling.judgement);
    let point = Point::draw(graph, logits, 6, 1);
    for claim in claims(graph, scaling) {
        let tried = confirm(&interpreter, &point, &claim).unwrap();
        let what = format!("{}: {}", case["name"], claim.name);
        match claim.degree {
            Some(_) => {
                assert!(tried.worst.unwrap() < double::DIFFERENCE, "{what}: {:?}", tried.worst);
            }
            None => assert!(tried.witness.is_some(), "{what}: no witness"),
        }
    }
}
