//! The submodules of the net: where they are found, and how they are made.
//!
//! A module has the name of its layer, so that the names of a state dict are those of the run: `conv1` is `self.conv1`; the
//! iterations of a label, `fc.0` and `fc.1`, are `self.fc[0]` and `self.fc[1]`.

use std::collections::BTreeMap;

use super::text::{float, listed, pair, tuple};
use crate::export::steps::{Step, StepKind};
use crate::ir::{Graph, Norm};

/// Attributes of `nn.Module`, words of Python and names of the file, which no submodule can have.
const TAKEN: &str = " False None True and as assert async await break class continue def del elif else except finally for from \
    global if import in is lambda nonlocal not or pass raise return try while with yield add_module apply bfloat16 buffers \
    call_super_init children compile cpu cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state \
    get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules \
    named_parameters parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook \
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook \
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook \
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory size state_dict to to_empty train \
    training type xpu zero_grad ";

/// Submodules by the first part of their names, in the order of the net.
pub(super) struct Modules {
    groups: Vec<(String, Tree)>,
}

/// A module, or modules by number.
enum Tree {
    Module(String),
    Numbered(BTreeMap<usize, Tree>),
}

impl Tree {
    fn made(&self) -> Option<String> {
        match self {
            Self::Module(made) => Some(made.clone()),
            Self::Numbered(_) => None,
        }
    }
}

impl Modules {
    /// The modules of these steps.
    pub(super) fn new(graph: &Graph, steps: &[Step]) -> Self {
        let mut modules = Self { groups: vec![] };
        for step in steps {
            if let (Some(made), Some(layer)) = (made(graph, step), step.layer) {
                modules.add(&graph.layer(layer).name, made);
            }
        }
        modules
    }

    fn add(&mut self, name: &str, made: String) {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let numbers: Vec<usize> = parts.filter_map(|part| part.parse().ok()).collect();
        let known = self.groups.iter().position(|(known, _)| known == first);
        let at = known.unwrap_or_else(|| {
            self.groups.push((first.to_owned(), Tree::Numbered(BTreeMap::new())));
            self.groups.len() - 1
        });
        let mut tree = &mut self.groups[at].1;
        for number in numbers {
            if let Tree::Module(_) = tree {
                *tree = Tree::Numbered(BTreeMap::new());
            }
            let Tree::Numbered(inner) = tree else { unreachable!("a module became a list above") };
            tree = inner.entry(number).or_insert_with(|| Tree::Numbered(BTreeMap::new()));
        }
        *tree = Tree::Module(made);
    }

    /// How the module of a layer is reached.
    pub(super) fn path(&self, layer: &str) -> String {
        let mut parts = layer.split('.');
        let first = parts.next().unwrap_or_default();
        let mut path = format!("self.{}", attribute(first));
        let group = self.groups.iter().find(|(known, _)| known == first);
        let mut tree = group.map(|(_, tree)| tree);
        for number in parts {
            let Some(Tree::Numbered(inner)) = tree else { break };
            let quote = if is_list(inner) { "" } else { "\"" };
            for part in ["[", quote, number, quote, "]"] {
                path.push_str(part);
            }
            tree = number.parse().ok().and_then(|number: usize| inner.get(&number));
        }
        path
    }

    /// The list whose modules in order are those of these layers.
    pub(super) fn list(&self, layers: &[&str]) -> Option<String> {
        let (base, _) = layers.first()?.split_once('.')?;
        let group = self.groups.iter().find(|(known, _)| known == base)?;
        let Tree::Numbered(inner) = &group.1 else { return None };
        let whole = (0..inner.len()).map(|number| format!("{base}.{number}"));
        let is_whole = is_list(inner) && whole.eq(layers.iter().copied());
        is_whole.then(|| format!("self.{}", attribute(base)))
    }

    /// The lines of `__init__` that make them.
    pub(super) fn lines(&self, indent: usize) -> Vec<String> {
        let line = |(name, tree): &(String, Tree)| {
            let head = format!("self.{} = ", attribute(name));
            written(indent, &head, tree, "")
        };
        self.groups.iter().map(line).collect()
    }

    /// Layers whose modules have another name, with that.
    pub(super) fn renamed(&self) -> Vec<(&str, String)> {
        let names = self.groups.iter().map(|(name, _)| (name.as_str(), attribute(name)));
        names.filter(|(name, attribute)| name != attribute).collect()
    }
}

/// Whether Python or PyTorch has the name itself.
pub(super) fn is_taken(name: &str) -> bool {
    TAKEN.contains(&format!(" {name} "))
}

/// The attribute that a layer has.
fn attribute(name: &str) -> String {
    if is_taken(name) { format!("{name}_") } else { name.to_owned() }
}

fn is_list(modules: &BTreeMap<usize, Tree>) -> bool {
    modules.keys().copied().eq(0..modules.len())
}

fn written(indent: usize, head: &str, tree: &Tree, tail: &str) -> String {
    let margin = " ".repeat(indent);
    match tree {
        Tree::Module(made) => format!("{margin}{head}{made}{tail}"),
        Tree::Numbered(inner) => {
            let list = is_list(inner);
            if let Some(made) = inner.values().map(Tree::made).collect::<Option<Vec<_>>>()
                && list
            {
                return listed(
                    indent,
                    &format!("{head}nn.ModuleList(["),
                    &made,
                    &format!("]){tail}"),
                );
            }
            let (open, close) =
                if list { ("nn.ModuleList([", "])") } else { ("nn.ModuleDict({", "})") };
            let mut lines = vec![format!("{margin}{head}{open}")];
            for (number, tree) in inner {
                let key = if list { String::new() } else { format!("\"{number}\": ") };
                lines.push(written(indent + 4, &key, tree, ","));
            }
            lines.push(format!("{margin}{close}{tail}"));
            lines.join("\n")
        }
    }
}

/// How the module of a step is made; `None` where it needs none.
fn made(graph: &Graph, step: &Step) -> Option<String> {
    let shape = |id| &graph.param(id).shape.dims;
    Some(match &step.kind {
        StepKind::Linear { weight, bias } => {
            let dims = shape(*weight);
            let bias = if bias.is_some() { "" } else { ", bias=False" };
            format!("nn.Linear({}, {}{bias})", dims[1], dims[0])
        }
        StepKind::Conv { conv, weight, bias } => {
            let dims = shape(*weight);
            let mut items = vec![
                (dims[1] * conv.groups).to_string(),
                dims[0].to_string(),
                pair([dims[2], dims[3]]),
            ];
            let unlike = |name: &str, value: [usize; 2], usual: [usize; 2]| {
                (value != usual).then(|| format!("{name}={}", pair(value)))
            };
            items.extend(unlike("stride", conv.stride, [1, 1]));
            items.extend(unlike("padding", conv.pad, [0, 0]));
            items.extend((conv.groups != 1).then(|| format!("groups={}", conv.groups)));
            items.extend(bias.is_none().then(|| "bias=False".to_owned()));
            format!("nn.Conv2d({})", items.join(", "))
        }
        StepKind::BatchNorm { eps, momentum, mean, affine, .. } => {
            let rank = graph[step.output].shape.dims.len();
            let kind = if rank == 3 {
                "2d"
            } else if rank == 4 {
                "3d"
            } else {
                "1d"
            };
            let momentum = unusual("momentum", *momentum, 0.1);
            let affine = if affine.is_some() { "" } else { ", affine=False" };
            let channels = graph.buffer(*mean).shape.elements();
            let eps = unusual("eps", *eps, 1e-5);
            format!("nn.BatchNorm{kind}({channels}{eps}{momentum}{affine})")
        }
        StepKind::SampleNorm { norm, eps, affine: Some(affine) } => {
            let eps = unusual("eps", *eps, 1e-5);
            match norm {
                Norm::Group(groups) => {
                    format!("nn.GroupNorm({groups}, {}{eps})", shape(affine.gain)[0])
                }
                Norm::Layer | Norm::Batch => {
                    let dims = shape(affine.gain);
                    let dims = if let [one] = dims[..] { one.to_string() } else { tuple(dims) };
                    format!("nn.LayerNorm({dims}{eps})")
                }
            }
        }
        StepKind::Prelu { slope } => format!("nn.PReLU({})", shape(*slope)[0]),
        StepKind::SampleNorm { affine: None, .. }
        | StepKind::Unary(_)
        | StepKind::Binary(_)
        | StepKind::Times(_)
        | StepKind::Softmax
        | StepKind::MaxPool(_)
        | StepKind::AvgPool(_)
        | StepKind::GlobalAvgPool
        | StepKind::Reshape(_)
        | StepKind::Concat { .. }
        | StepKind::Dropout { .. } => return None,
    })
}

/// An argument that is not at its default.
#[expect(clippy::float_cmp, reason = "a default is met exactly or not at all")]
pub(super) fn unusual(name: &str, value: f64, usual: f64) -> String {
    if value == usual { String::new() } else { format!(", {name}={}", float(value)) }
}

/// The map of renamed layers.
pub(super) fn renaming(renamed: &[(&str, String)]) -> String {
    let pairs: Vec<String> =
        renamed.iter().map(|(name, other)| format!("\"{name}\": \"{other}\"")).collect();
    listed(0, "RENAMED = {", &pairs, "}  # layers whose names are taken by Python or PyTorch")
}
