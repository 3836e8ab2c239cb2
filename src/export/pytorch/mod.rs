//! The net, its loss and its optimiser as one file of PyTorch that reads like written by hand.
//!
//! In: a [`Source`], and the name of the file with its tensors. Out: the text. It imports nothing of ours; submodules are named
//! after layers, so that the state dict of the net has the names of the run.

mod formula;
mod forward;
mod function;
mod helpers;
mod loss;
mod modules;
mod rolled;
mod text;
mod training;

use num_traits::ToPrimitive;

use super::steps::{StepKind, steps};
use super::{About, Source};
use crate::check::{Factor, FactorNorm};
use crate::loss::uses_size;
use modules::Modules;
use text::{class, float, listed, string};

const LOADING: &str = include_str!("loading.py");

/// The text of the module; `weights` is the file beside it that holds the tensors.
pub fn pytorch(source: &Source<'_>, weights: &str) -> String {
    let graph = source.checked.graph();
    let steps = steps(graph);
    let modules = Modules::new(graph, &steps);
    let statements = forward::statements(graph, &steps, &modules);
    let class = class(&source.spec.net.name.value);
    let size = uses_size(&source.spec.loss.form).then(|| size(source, &modules));
    let spec = source.spec;

    let mut net = vec![format!("class {class}(nn.Module):")];
    net.push(format!("    \"\"\"Inputs {} to logits [n, {}].\"\"\"", input(source), spec.classes));
    net.push(String::new());
    net.push("    def __init__(self):".to_owned());
    net.push("        super().__init__()".to_owned());
    net.extend(modules.lines(8));
    net.push(String::new());
    net.push("    def forward(self, x):".to_owned());
    net.extend(rolled::lines(&statements, &modules));
    net.extend(size.iter().flatten().cloned());

    let mut blocks = vec![head(source, weights), preprocess(source.about)];
    blocks.extend(size.is_some().then(|| loss::LOG_NORM.to_owned()));
    blocks.push(net.join("\n") + "\n");
    blocks.extend(loss::blocks(&spec.loss, spec.classes));
    blocks.extend(loading(&modules, &class));
    let has_slopes = steps.iter().any(|step| matches!(step.kind, StepKind::Prelu { .. }));
    blocks.extend(training::blocks(spec, has_slopes));
    blocks.push(describe());
    blocks.join("\n\n") + "\n\nif __name__ == \"__main__\":\n    main()\n"
}

fn input(source: &Source<'_>) -> String {
    let sizes: Vec<String> = source.spec.sample_shape.iter().map(usize::to_string).collect();
    format!("[n, {}]", sizes.join(", "))
}

fn head(source: &Source<'_>, weights: &str) -> String {
    let About { step, steps, steps_per_epoch, dtype, class_names, spec_hash, .. } = source.about;
    let dtype = if dtype == "f64" { "float64" } else { "float32" };
    let names = class_names.as_ref().map(|names| {
        let names: Vec<String> = names.iter().map(|name| string(name)).collect();
        listed(0, "CLASS_NAMES = [", &names, "]") + "\n"
    });
    format!(
        "\"\"\"{sentence}.\n\
         \n\
         The net, its loss and its optimiser in PyTorch; the tensors are in {weights} beside this file.\n\
         \n\
         \x20   net, loss = load()\n\
         \x20   net.eval()(preprocess(pixels)).argmax(1)    # classes of stored pixels {input}\n\
         \x20   optimizer = make_optimizer(net, loss)       # goes on from step {step}\n\
         \x20   train_step(net.train(), loss, optimizer, inputs, labels, STEP)\n\
         \"\"\"\n\
         \n\
         import json\n\
         import math\n\
         from pathlib import Path\n\
         \n\
         import torch\n\
         import torch.nn as nn\n\
         import torch.nn.functional as F\n\
         \n\
         WEIGHTS = Path(__file__).with_name({file})\n\
         SPEC_HASH = \"{spec_hash}\"\n\
         DTYPE = torch.{dtype}\n\
         CLASSES = {classes}\n\
         {names}STEP = {step}  # steps done\n\
         STEPS = {steps}  # steps of the whole run\n\
         STEPS_PER_EPOCH = {steps_per_epoch}\n",
        sentence = source.sentence(),
        input = input(source),
        file = string(weights),
        classes = source.spec.classes,
        names = names.unwrap_or_default(),
    )
}

fn preprocess(about: &About) -> String {
    let numbers = |name: &str, values: &[f64]| {
        let items: Vec<String> = values.iter().map(|value| float(*value)).collect();
        listed(4, &format!("{name} = torch.tensor(["), &items, "], dtype=torch.float64)")
    };
    let pixels = &about.pixels;
    let mut lines = vec![
        "def preprocess(pixels):".to_owned(),
        "    \"\"\"Inputs of the net from stored values [n, ...].\"\"\"".to_owned(),
    ];
    let divided = match pixels.divisor {
        1.0 => String::new(),
        divisor => format!(" / {}", float(divisor)),
    };
    lines.push(format!("    x = torch.as_tensor(pixels).to(torch.float64){divided}"));
    match (pixels.mean.as_slice(), pixels.deviation.as_slice()) {
        ([0.0], [1.0]) => {}
        ([mean], [deviation]) => {
            lines.push(format!("    x = (x - {}) / {}", float(*mean), float(*deviation)));
        }
        (mean, deviation) => {
            lines.push(numbers("mean", mean));
            lines.push(numbers("deviation", deviation));
            lines.push("    of_channel = (-1,) + (1,) * (x.ndim - 2)".to_owned());
            lines.push(
                "    x = (x - mean.reshape(of_channel)) / deviation.reshape(of_channel)".to_owned(),
            );
        }
    }
    lines.push("    return x.to(DTYPE)".to_owned());
    lines.join("\n") + "\n"
}

/// R as a method of the net.
fn size(source: &Source<'_>, modules: &Modules) -> Vec<String> {
    let graph = source.checked.graph();
    let factors = source.checked.normalizer().map(|normalizer| normalizer.factors.as_slice());
    let term = |factor: &Factor| {
        let paths: Vec<String> = factor
            .tensors
            .iter()
            .map(|id| {
                let name = &graph.param(*id).name;
                let (layer, tensor) = name.rsplit_once('.').unwrap_or((name, "weight"));
                format!("{}.{tensor}", modules.path(layer))
            })
            .collect();
        let norm = match factor.norm {
            FactorNorm::Frobenius => format!("log_norm({})", paths.join(", ")),
            FactorNorm::Spectral => {
                format!("torch.linalg.matrix_norm({}.flatten(1), 2).log()", paths.join(", "))
            }
        };
        match factor.exponent.to_f64() {
            Some(1.0) | None => norm,
            Some(exponent) => format!("{} * {norm}", float(exponent)),
        }
    };
    let terms: Vec<String> = factors.unwrap_or_default().iter().map(term).collect();
    let mut lines = vec![
        String::new(),
        "    def size(self):".to_owned(),
        "        \"\"\"R, the size of the parameters: a product of norms, by their logarithms.\"\"\""
            .to_owned(),
        "        logarithms = [".to_owned(),
    ];
    lines.extend(terms.iter().map(|term| format!("            {term},")));
    lines.push("        ]".to_owned());
    lines.push("        return sum(logarithms).exp()".to_owned());
    lines
}

/// The functions that read the tensors.
fn loading(modules: &Modules, class: &str) -> Vec<String> {
    let renamed = modules.renamed();
    let text = LOADING.replace("NET_CLASS", class);
    let text = if renamed.is_empty() {
        let map = "    stored = {attribute(name): name for name in tensors()}\n";
        text.replace(map, "").replace("stored[name]", "name").replace("attribute(name)", "name")
    } else {
        text
    };
    let mut blocks = vec![];
    if !renamed.is_empty() {
        blocks.push(modules::renaming(&renamed) + "\n");
        blocks.push(
            "def attribute(name):\n    \"\"\"The name of a tensor in the state dict of the net.\"\"\"\n    \
             layer, dot, rest = name.partition(\".\")\n    return RENAMED.get(layer, layer) + dot + rest\n"
                .to_owned(),
        );
    }
    blocks.push(text.trim_end().to_owned() + "\n");
    blocks
}

fn describe() -> String {
    "def main():\n    \
             net, loss = load()\n    \
             print(__doc__.splitlines()[0])\n    \
             print(net)\n    \
             count = sum(parameter.numel() for parameter in net.parameters())\n    \
             print(f\"{count:,} trained numbers, {CLASSES} classes\")\n    \
             print(f\"loss: {loss.__doc__}\")\n    \
             for name, scale in loss.named_parameters():\n        \
                 print(f\"  {name} = {scale.item():.6g}\")\n    \
             print(f\"next step: {STEP} of {STEPS}, learning rate {learning_rate(STEP):.6g}\")\n    \
             optimizer = make_optimizer(net, loss)\n    \
             sizes = [len(group[\"params\"]) for group in optimizer.param_groups]\n    \
             print(f\"optimizer: {type(optimizer).__name__}, groups of so many tensors: {sizes}\")\n"
        .to_owned()
}
