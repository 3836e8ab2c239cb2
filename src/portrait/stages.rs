//! The stages of a compiled spec.

use std::collections::BTreeMap;

use super::{Branch, Portrait, Sheet, Stage};
use crate::check::{Checked, LayerFacts, Number};
use crate::compile::Compiled;
use crate::diag::Diagnostics;
use crate::grad::{self, Joint};
use crate::ir::{Graph, LayerId, Op, UseId};
use crate::kernels::isa::Isa;
use crate::lower::{cpu, cuda};
use crate::model::{self, Spec};
use crate::syntax::ast::{self, Item, ItemKind};
use crate::syntax::print;

/// What is said of each layer.
type OfLayers = BTreeMap<LayerId, BTreeMap<String, String>>;

impl Portrait {
    /// Of a spec without errors.
    ///
    /// # Errors
    /// Those of the spec, and those that its training step meets.
    pub fn of(compiled: &Compiled) -> Result<Self, Diagnostics> {
        let Some((spec, checked)) = compiled.sound() else {
            return Err(compiled.diagnostics.clone());
        };
        let joint = grad::joint(checked, &spec.loss, &spec.train)?;
        let stages = [
            (Stage::Graph, graph(&compiled.ast, spec, checked)),
            (Stage::Facts, facts(checked)),
            (Stage::Joint, of_joint(checked.graph(), &joint)),
            (Stage::Plan, plans(checked.graph(), &joint, spec.train.batch)),
        ];
        Ok(Self { stages: stages.into_iter().collect() })
    }
}

/// Items and settings; layers with their operations, shapes and parameters.
fn graph(written: &ast::Spec, spec: &Spec, checked: &Checked) -> Sheet {
    let mut whole = model::settings(&model::to_ast(spec));
    // What stands in nets and blocks is told by layers.
    whole.retain(|key, _| key != "net.body" && !key.starts_with("block "));
    whole.extend(items(written));
    whole.insert("parameters".to_owned(), checked.total().params.to_string());
    let graph = checked.graph();
    let mut layers = OfLayers::new();
    for facts in checked.layers() {
        let has = layers.entry(facts.id).or_default();
        has.insert("shape".to_owned(), facts.shape.to_string());
        if facts.cost.params > 0 {
            has.insert("parameters".to_owned(), facts.cost.params.to_string());
        }
    }
    for (layer, words) in words(graph) {
        layers.entry(layer).or_default().insert("operations".to_owned(), words.join(", "));
    }
    Sheet { whole, layers: tree(graph, &layers) }
}

/// Items that are no settings of what is trained.
fn items(written: &ast::Spec) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for item in &written.items {
        let word = match &item.kind {
            ItemKind::Analyze(_) => "analyze",
            ItemKind::Assert(_) => "assert",
            ItemKind::Sweep(_) => "sweep",
            ItemKind::Claim(_) => "claim",
            ItemKind::Data(_)
            | ItemKind::Net(_)
            | ItemKind::Block(_)
            | ItemKind::Loss(_)
            | ItemKind::Train(_)
            | ItemKind::Let(_)
            | ItemKind::Import(_) => continue,
        };
        let count = counts.entry(word).or_insert(0);
        *count += 1;
        found.insert(format!("{word} {count}"), on_one_line(item));
    }
    found
}

fn on_one_line(item: &Item) -> String {
    let text = print(&ast::Spec { items: vec![item.clone()] });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The operations of each layer in order; parameters and kept tensors are numbered and stand for nothing that is done.
fn words(graph: &Graph) -> BTreeMap<LayerId, Vec<String>> {
    let mut words: BTreeMap<LayerId, Vec<String>> = BTreeMap::new();
    for node in graph.ids().map(|id| &graph[id]) {
        if let Some(layer) = node.layer
            && !matches!(node.op, Op::Param(_) | Op::Buffer(_))
        {
            words.entry(layer).or_default().push(node.op.to_string());
        }
    }
    words
}

fn number(found: Option<&Number>) -> String {
    found.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// Degrees, R, symmetries.
fn facts(checked: &Checked) -> Sheet {
    let graph = checked.graph();
    let (exact, limit) = (checked.exact(), checked.limit());
    let mut whole = BTreeMap::new();
    for (name, scaling) in [("", exact), (" in the limit", limit)] {
        whole.insert(format!("joint degree{name}"), number(scaling.joint.as_ref()));
        whole.insert(format!("degree in the input{name}"), number(scaling.input.as_ref()));
        whole.insert(format!("symmetries{name}"), scaling.symmetries.len().to_string());
    }
    let size = |of: &crate::check::Normalizer| of.formula(graph);
    let derived = checked.training().normalizer.as_ref().map_or("none".to_owned(), size);
    whole.insert("R that follows the logits".to_owned(), derived);
    let asked = checked.normalizer().map_or("none".to_owned(), size);
    whole.insert("R of the loss".to_owned(), asked);
    let failures = checked.failures().iter().map(|failure| failure.name.as_str());
    whole.insert("not of degree one".to_owned(), failures.collect::<Vec<_>>().join(", "));
    let of_layer = |facts: &LayerFacts| {
        let mut has: BTreeMap<String, String> =
            [("degree".to_owned(), number(facts.joint.as_ref()))].into();
        if let Some(own) = &facts.own {
            has.insert("degree in its parameters".to_owned(), number(own.as_ref()));
        }
        (facts.id, has)
    };
    let layers: OfLayers = checked.layers().iter().map(of_layer).collect();
    Sheet { whole, layers: tree(graph, &layers) }
}

/// Operations of a training step.
fn of_joint(graph: &Graph, joint: &Joint) -> Sheet {
    let mut whole = BTreeMap::new();
    let mut layers = OfLayers::new();
    for phase in &joint.train {
        whole.insert(format!("{} operations", phase.name), phase.graph.len().to_string());
        whole.insert(format!("{} updates", phase.name), phase.graph.updates.len().to_string());
        for (layer, words) in words(&phase.graph) {
            layers.entry(layer).or_default().insert(phase.name.to_owned(), words.join(", "));
        }
    }
    whole.insert("evaluation operations".to_owned(), joint.eval.len().to_string());
    Sheet { whole, layers: tree(graph, &layers) }
}

/// Kernels of a training step.
fn plans(graph: &Graph, joint: &Joint, batch: usize) -> Sheet {
    let mut whole = BTreeMap::new();
    let mut layers: BTreeMap<LayerId, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut add = |layer: Option<LayerId>, target: &str, kernel: String| {
        if let Some(layer) = layer {
            let of_layer = layers.entry(layer).or_default();
            of_layer.entry(target.to_owned()).or_default().push(kernel);
        }
    };
    let plan = cpu::plan(joint, &cpu::PlanOptions { isa: Isa::portable(), batch });
    for phase in &plan.phases.train {
        whole.insert(format!("cpu {} kernels", phase.name), phase.steps.len().to_string());
        for step in &phase.steps {
            add(step.layer, "cpu", cpu::kernel_name(&step.kernel));
        }
    }
    let plan = cuda::plan(joint, &cuda::PlanOptions::of_one(batch));
    for phase in &plan.phases.train {
        whole.insert(format!("cuda {} launches", phase.name), phase.launches.len().to_string());
        for task in phase.launches.iter().flat_map(|launch| &launch.tasks) {
            add(task.layer, "cuda", format!("{} {}", task.kind.name(), task.word));
        }
    }
    let joined = |kernels: Vec<String>| kernels.join(", ");
    let layers: OfLayers = layers
        .into_iter()
        .map(|(layer, has)| (layer, has.into_iter().map(|(k, v)| (k, joined(v))).collect()))
        .collect();
    Sheet { whole, layers: tree(graph, &layers) }
}

/// Layers in the uses of blocks that they stand in.
fn tree(graph: &Graph, layers: &OfLayers) -> Vec<Branch> {
    let mut roots: Vec<Branch> = vec![];
    let mut open: Vec<UseId> = vec![];
    for id in (0..graph.layers.len() as u32).map(LayerId) {
        let layer = graph.layer(id);
        let mut path = vec![];
        let mut inside = layer.inside;
        while let Some(at) = inside {
            path.push(at);
            inside = graph.uses[at.0 as usize].inside;
        }
        path.reverse();
        // Uses that the layer before stood in, too, go on.
        let shared = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        let mut level = &mut roots;
        for (depth, at) in path.iter().enumerate() {
            if depth >= shared {
                let name = graph.uses[at.0 as usize].name.clone();
                let kind = name.split('(').next().unwrap_or_default().to_owned();
                level.push(Branch { name, kind, has: BTreeMap::new(), inside: vec![] });
            }
            level = &mut level.last_mut().expect("the use is there or was just added").inside;
        }
        level.push(Branch {
            name: layer.name.clone(),
            kind: layer.kind.clone(),
            has: layers.get(&id).cloned().unwrap_or_default(),
            inside: vec![],
        });
        open = path;
    }
    roots
}
