//! `specc check --json`: the document `specc.check/1` of a checked spec.

use serde_json::{Map, Value, json};

use crate::check::numeric::{Confirmed, Witness};
use crate::check::{Checked, Exponents, Mode, Number, Question, Scaling};
use crate::diag::{self, Diagnostic, Severity, SourceMap};
use crate::ir::{Graph, ParamId};

/// The whole document. `checked` holds the facts, also of a net that is refused for them, and is `None` where an error stands
/// in front of them; `numeric` holds the claims tried, if they were.
pub fn document(
    checked: Option<&Checked>,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    numeric: Option<&[Confirmed]>,
) -> Value {
    let ok = diagnostics.iter().all(|d| d.severity() == Severity::Warning) && checked.is_some();
    let mut document = Map::new();
    document.insert("schema".into(), json!("specc.check/1"));
    document.insert("ok".into(), json!(ok));
    let problems = diagnostics.iter().map(|diagnostic| diag::json(diagnostic, sources));
    document.insert("diagnostics".into(), problems.collect());
    let (params, flops, layers) = match checked {
        Some(checked) => {
            let total = checked.total();
            (json!(total.params), json!(total.flops), layers(checked))
        }
        None => (Value::Null, Value::Null, json!([])),
    };
    document.insert("params".into(), params);
    document.insert("flops_per_sample".into(), flops);
    if let Some(checked) = checked {
        let memory = checked.total().memory;
        let memory = json!({ "fixed": memory.fixed, "per_sample": memory.per_sample });
        document.insert("memory_bytes".into(), memory);
    }
    document.insert("layers".into(), layers);
    let homogeneity = checked.map_or(Value::Null, |checked| homogeneity(checked, sources));
    document.insert("homogeneity".into(), homogeneity);
    if let Some(tried) = numeric {
        document.insert("numeric".into(), confirmed(tried));
    }
    Value::Object(document)
}

fn layers(checked: &Checked) -> Value {
    let one = |layer: &crate::check::LayerFacts| {
        let written = checked.graph().layer(layer.id);
        json!({
            "name": written.name,
            "kind": written.kind,
            "shape": layer.shape.dims,
            "params": layer.cost.params,
            "flops_per_sample": layer.cost.flops,
            "memory_bytes": {
                "fixed": layer.cost.memory.fixed,
                "per_sample": layer.cost.memory.per_sample,
            },
            "joint_degree": degree(layer.joint.as_ref()),
        })
    };
    Value::Array(checked.layers().iter().map(one).collect())
}

fn homogeneity(checked: &Checked, sources: &SourceMap) -> Value {
    let graph = checked.graph();
    let exact = checked.exact();
    let mode = match exact.judgement.mode {
        Mode::Train => "train",
        Mode::Eval => "eval",
    };
    let failures: Vec<Value> = checked
        .failures()
        .iter()
        .map(|failure| {
            let line = sources.position(failure.origin).line;
            json!({ "name": failure.name, "line": line, "reason": failure.reason })
        })
        .collect();
    let mut document = Map::new();
    document.insert("mode".into(), json!(mode));
    document
        .insert("degree_one".into(), json!({ "ok": failures.is_empty(), "failures": failures }));
    let mut found = facts(graph, exact, checked.joint_witness(), checked.input_witness());
    if let Some(joint) = found.get_mut("joint").and_then(Value::as_object_mut) {
        joint.insert("inside".into(), inside(checked, sources));
    }
    document.extend(found);
    let mut limit = facts(graph, checked.limit(), None, None);
    limit.insert("bound".into(), bound(checked));
    document.insert("limit".into(), Value::Object(limit));
    let normalizer = checked.training().normalizer.as_ref().ok();
    document.insert(
        "normalizer".into(),
        normalizer.map_or(Value::Null, |normalizer| {
            let factors: Vec<Value> = normalizer
                .factors
                .iter()
                .flat_map(|factor| factor.tensors.iter().map(move |id| (id, factor.exponent)))
                .map(|(id, exponent)| {
                    json!({ "tensor": name(graph, *id), "exponent": exponent.to_string() })
                })
                .collect();
            json!({ "formula": normalizer.formula(graph), "factors": factors })
        }),
    );
    Value::Object(document)
}

fn facts(
    graph: &Graph,
    scaling: &Scaling,
    joint: Option<&Witness>,
    input: Option<&Witness>,
) -> Map<String, Value> {
    let layers: Map<String, Value> = scaling
        .layers
        .iter()
        .map(|(id, found)| (graph.layer(*id).name.clone(), degree(found.as_ref())))
        .collect();
    let tensors: Map<String, Value> = graph
        .params
        .iter()
        .zip(&scaling.tensors)
        .map(|(param, found)| (param.name.clone(), degree(found.as_ref())))
        .collect();
    let symmetries: Vec<Value> = scaling
        .symmetries
        .iter()
        .map(|symmetry| {
            let exponents: Map<String, Value> = (0_u32..)
                .map(ParamId)
                .zip(&graph.params)
                .map(|(id, param)| {
                    let unknown = crate::check::Unknown::Param(id);
                    (param.name.clone(), symmetry.exponents.coefficient(unknown))
                })
                .filter(|(_, value)| !value.is_zero())
                .map(|(name, value)| (name, json!(value.to_string())))
                .collect();
            json!({
                "exponents": exponents,
                "leaves_logits": symmetry.leaves_logits(),
                "degree": symmetry.degree.to_string(),
                "conserved": symmetry.conserved(graph),
            })
        })
        .collect();
    let free: Vec<&str> = scaling.scale_free().into_iter().map(|id| name(graph, id)).collect();
    let mut facts = Map::new();
    facts.insert(
        "joint".into(),
        json!({ "degree": degree(scaling.joint.as_ref()), "witness": witness(joint) }),
    );
    facts.insert("layers".into(), Value::Object(layers));
    facts.insert("tensors".into(), Value::Object(tensors));
    facts.insert(
        "input".into(),
        json!({ "degree": degree(scaling.input.as_ref()), "witness": witness(input) }),
    );
    facts.insert("quasi_weights_one".into(), exponents(graph, scaling.weights_one.as_ref()));
    facts.insert("quasi_general".into(), exponents(graph, scaling.general.as_ref()));
    facts.insert("symmetries".into(), Value::Array(symmetries));
    facts.insert("scale_free".into(), json!(free));
    facts
}

fn bound(checked: &Checked) -> Value {
    match checked.eps_bound() {
        None => Value::Null,
        Some(bound) => json!({
            "eps": bound.eps,
            "formula": "d eps / (v + eps)",
            "words": "a norm of a value of degree d and variance v has a degree of at most d eps / (v + eps) in place of 0",
            "at_unit_variance": bound.degree(1.0, 1.0),
        }),
    }
}

fn exponents(graph: &Graph, found: Option<&Exponents>) -> Value {
    found.map_or(Value::Null, |found| {
        let exponents: Map<String, Value> = graph
            .params
            .iter()
            .zip(&found.of)
            .map(|(param, value)| (param.name.clone(), json!(value.to_string())))
            .collect();
        json!({ "exponents": exponents, "degree": found.degree.to_string() })
    })
}

fn witness(found: Option<&Witness>) -> Value {
    found.map_or(Value::Null, |witness| {
        json!({ "c": witness.c, "before": finite(&witness.before), "after": finite(&witness.after) })
    })
}

/// The counter-example at an operation inside the net, where the logits give none.
fn inside(checked: &Checked, sources: &SourceMap) -> Value {
    if checked.exact().joint.is_some() || checked.joint_witness().is_some() {
        return Value::Null;
    }
    let mut budget = checked.options().budget;
    let found = checked.witness_inside(checked.exact(), Question::Joint, None, &mut budget);
    found.map_or(Value::Null, |(node, found)| {
        let node = &checked.graph()[node];
        let layer = node.layer.map(|layer| &checked.graph().layer(layer).name);
        json!({ "layer": layer, "line": sources.position(node.origin).line, "witness": witness(Some(&found)) })
    })
}

/// Numbers of a document are finite; what is not becomes null.
fn finite(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| value.is_finite().then_some(*value)).collect()
}

fn confirmed(tried: &[Confirmed]) -> Value {
    let one = |confirmed: &Confirmed| {
        json!({
            "claim": confirmed.claim.name,
            "degree": confirmed.claim.degree,
            "worst_relative_error": confirmed.worst.filter(|error| error.is_finite()),
            "witness": witness(confirmed.witness.as_ref()),
        })
    };
    Value::Array(tried.iter().map(one).collect())
}

fn degree(found: Option<&Number>) -> Value {
    found.map_or(Value::Null, |degree| json!(degree.to_string()))
}

fn name(graph: &Graph, id: ParamId) -> &str {
    &graph.param(id).name
}
