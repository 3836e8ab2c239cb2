//! Cases of the golden files as `.net` texts, compiled through the public library.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use specc::check::Options;
use specc::data::{Dataset, Locations, load};
use specc::ir::Graph;
use specc::lower::{Batch, HostTensor, Samples, StateEntry};
use specc::model::Spec;

use crate::pipeline::{built, compile_at, no_imports};

/// The spec and the graph of a text; messages end the test where there are none.
pub(crate) fn compile_text(text: &str, locations: &Locations) -> (Spec, Graph) {
    let path = Path::new("case.net");
    let compiled = compile_at(path, text, &mut no_imports, &[], locations, Options::default());
    let (spec, checked) = built(&compiled);
    (spec.clone(), checked.graph().clone())
}

/// The network of a layer list, with a block for each branch.
pub(crate) fn net_text(layers: &[Value]) -> String {
    let mut blocks = String::new();
    let mut count = 0;
    let body = chain(layers, &mut blocks, &mut count);
    format!("{blocks}net golden(allow=[nonhomogeneous]) {{\n{}\n}}\n", body.join("\n"))
}

fn chain(layers: &[Value], blocks: &mut String, count: &mut usize) -> Vec<String> {
    layers.iter().map(|layer| layer_text(layer, blocks, count)).collect()
}

fn layer_text(layer: &Value, blocks: &mut String, count: &mut usize) -> String {
    let word = layer["op"].as_str().unwrap();
    match word {
        "conv" => format!(
            "  conv({}, kernel={}, stride={}, pad={}, bias={})",
            layer["cout"], layer["kernel"], layer["stride"], layer["pad"], layer["bias"]
        ),
        "linear" => format!("  linear({}, bias={})", layer["cout"], layer["bias"]),
        "leaky_relu" => format!("  leaky_relu({})", layer["slope"]),
        "max_pool" | "avg_pool" => format!("  {word}({})", layer["size"]),
        "batch_norm" => format!(
            "  batch_norm(eps={}, momentum={}, affine={})",
            layer["eps"], layer["momentum"], layer["affine"]
        ),
        "residual" => branch_text(&layer["main"], &layer["shortcut"], '+', blocks, count),
        "product" => branch_text(&layer["a"], &layer["b"], '*', blocks, count),
        _ => format!("  {word}"),
    }
}

fn branch_text(
    first: &Value,
    second: &Value,
    operator: char,
    blocks: &mut String,
    count: &mut usize,
) -> String {
    let mut sides = vec![];
    for side in [first, second] {
        let mut words = vec!["in".to_owned()];
        let layers = chain(side.as_array().unwrap(), blocks, count);
        words.extend(layers.iter().map(|layer| layer.trim().to_owned()));
        sides.push(words.join(" -> "));
    }
    let name = format!("branch{count}");
    *count += 1;
    let mut block = format!("block {name} {{\n");
    let mut operands = vec![];
    for (i, side) in sides.iter().enumerate() {
        if side == "in" {
            operands.push("in".to_owned());
        } else {
            writeln!(block, "  let side{i} = {side}").unwrap();
            operands.push(format!("side{i}"));
        }
    }
    writeln!(block, "  out {} {operator} {}\n}}\n", operands[0], operands[1]).unwrap();
    blocks.push_str(&block);
    format!("  {name}")
}

/// The whole spec of a trajectory.
pub(crate) fn spec_text(case: &Value) -> String {
    let normalize = if case["normalize"] == "half" { "half" } else { "unit" };
    format!(
        "data {}(normalize={normalize}, shuffle=false)\n\n{}\nloss {}\n\ntrain {} {{\n  batch = {}\n  steps = {}\n  \
         well_delta = {}\n}}\n",
        case["data"].as_str().unwrap(),
        net_text(case["layers"].as_array().unwrap()),
        loss_text(&case["loss"]),
        optimizer_text(&case["optimiser"]),
        case["batch"],
        case["n_steps"],
        case["loss"]["delta"],
    )
}

fn loss_text(loss: &Value) -> String {
    let base = match loss["base"].as_str().unwrap() {
        "truncated" => format!("truncated(k={})", loss["k"]),
        "focal" => format!("focal(gamma={})", loss["gamma"]),
        word => word.to_owned(),
    };
    let delta = &loss["delta"];
    match loss["form"].as_str().unwrap() {
        "plain" => base,
        "single_scale" => format!("single_scale(base={base}, size=weights)"),
        "two_scale" => format!("two_scale(base={base}, delta={delta}, size=weights)"),
        "fixed" => {
            format!("two_scale(base={base}, delta={delta}, r1=fixed, r2=fixed, size=weights)")
        }
        "separation" => format!("two_scale(base={base}, delta={delta}, lambda=trainable)"),
        form => panic!("no form {form}"),
    }
}

fn optimizer_text(optimizer: &Value) -> String {
    let name = optimizer["name"].as_str().unwrap();
    let mut arguments = vec![format!("lr={}", optimizer["lr"])];
    for key in ["momentum", "nesterov", "weight_decay", "eps"] {
        if !optimizer[key].is_null() {
            arguments.push(format!("{key}={}", optimizer[key]));
        }
    }
    if let Some(betas) = optimizer["betas"].as_array() {
        arguments.push(format!("beta1={}, beta2={}", betas[0], betas[1]));
    }
    if optimizer["schedule"] == "cosine" {
        arguments.push("schedule=cosine".to_owned());
    }
    let text = format!("{name}({})", arguments.join(", "));
    let sharpness = &optimizer["sharpness"];
    match sharpness["kind"].as_str() {
        Some("asam") => format!("asam({text}, rho={}, eta={})", sharpness["rho"], sharpness["eta"]),
        Some(kind) => format!("{kind}({text}, rho={})", sharpness["rho"]),
        None => text,
    }
}

/// All tensors of a file as entries of a state.
pub(crate) fn entries(bytes: &[u8]) -> Vec<StateEntry> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    let entry = |name: &&str| {
        let tensor = file.tensor(name).unwrap();
        let bytes = tensor.data();
        let values = if tensor.dtype() == Dtype::F32 {
            HostTensor::F32(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        } else {
            assert_eq!(tensor.dtype(), Dtype::F64, "{name}");
            HostTensor::F64(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
        };
        StateEntry { name: (*name).to_owned(), shape: tensor.shape().to_vec(), values }
    };
    names.iter().map(entry).collect()
}

/// The samples of one part of a data set.
pub(crate) struct Part {
    pub(crate) data: Dataset,
    pub(crate) is_test: bool,
}

impl Part {
    /// The data of a case from the golden folder.
    pub(crate) fn load(spec: &Spec, folder: PathBuf, is_test: bool) -> Self {
        let data = load(&spec.data, &golden_locations(folder)).unwrap();
        Self { data, is_test }
    }

    pub(crate) fn len(&self) -> usize {
        if self.is_test { self.data.test.len() } else { self.data.train.len() }
    }
}

/// The folder of golden data sets as the only data folder.
pub(crate) fn golden_locations(folder: PathBuf) -> Locations {
    Locations { data_dir: Some(folder), ..Locations::default() }
}

impl Samples for Part {
    fn sample_len(&self) -> usize {
        self.data.sample_len()
    }

    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]) {
        if self.is_test {
            self.data.plain(&self.data.test, batch.indices, out);
        } else {
            self.data.plain(&self.data.train, batch.indices, out);
        }
    }

    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        if self.is_test {
            self.data.plain(&self.data.test, batch.indices, out);
        } else {
            self.data.plain(&self.data.train, batch.indices, out);
        }
    }

    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]) {
        let part = if self.is_test { &self.data.test } else { &self.data.train };
        for (out, idx) in out.iter_mut().zip(batch.indices) {
            *out = part.labels()[*idx as usize];
        }
    }
}

/// Samples given as numbers, all with label 0.
pub(crate) struct Numbers {
    pub(crate) len: usize,
    pub(crate) values: Vec<f64>,
}

impl Samples for Numbers {
    fn sample_len(&self) -> usize {
        self.len
    }

    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]) {
        for (out, idx) in out.chunks_mut(self.len).zip(batch.indices) {
            let from = &self.values[*idx as usize * self.len..];
            out.iter_mut().zip(from).for_each(|(out, x)| *out = *x as f32);
        }
    }

    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        for (out, idx) in out.chunks_mut(self.len).zip(batch.indices) {
            out.copy_from_slice(&self.values[*idx as usize * self.len..][..self.len]);
        }
    }

    fn labels(&self, _: &Batch<'_>, out: &mut [u32]) {
        out.fill(0);
    }
}
