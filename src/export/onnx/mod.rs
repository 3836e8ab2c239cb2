//! The net as an ONNX model in evaluation mode: running statistics, no dropout, no augmentation.
//!
//! In: a [`Source`]. Out: the bytes of a model with one input `input`, f32, normalised, `[N, …]` with a batch of any size, and
//! one output `logits`, `[N, classes]`. Parameters keep their names; values are named after layers.

mod operators;
pub mod proto;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::steps::steps;
use super::{About, ExportError, Source};
use crate::ir::{Graph, NodeId, Op, Shape};
use crate::lower::HostTensor;
use proto::{Attribute, Dimension, Entry, Model, OperatorSet, Size, Tensor, ValueInfo};

/// The version of the format that goes with [`OPSET`].
pub const IR_VERSION: i64 = 8;
/// The version of the operators: the first with `LayerNormalization`.
pub const OPSET: i64 = 17;

/// Largest message that readers of protobuf take, 2 GiB less one byte.
const MAX_BYTES: usize = i32::MAX as usize;

/// The model of a net.
///
/// # Errors
/// [`ExportError::TooLarge`] where it has more than 2 GiB.
pub fn onnx(source: &Source<'_>) -> Result<Vec<u8>, ExportError> {
    let model = model(source);
    match model.encoded_len() {
        0..=MAX_BYTES => Ok(model.encode_to_vec()),
        bytes => Err(ExportError::TooLarge { bytes, most: MAX_BYTES }),
    }
}

fn model(source: &Source<'_>) -> Model {
    let graph = source.checked.graph();
    let mut writer = Writer::new(source);
    for step in steps(graph) {
        writer.step(&step);
    }
    let shape = |op: &Op| graph.ids().find(|id| graph[*id].op == *op).map(|id| &graph[id].shape);
    let input = shape(&Op::Input).expect("nets have an input");
    let logits = graph.output("logits").expect("checked graphs end in logits");
    let about = source.about;
    let property = |(key, value): (&str, serde_json::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Entry { key: Some(key.to_owned()), value: Some(value) }
    };
    Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some("specc".to_owned()),
        producer_version: Some(About::VERSION.to_owned()),
        doc_string: Some(source.sentence()),
        graph: Some(proto::Graph {
            node: writer.nodes,
            name: Some(source.spec.net.name.value.clone()),
            initializer: writer.initializers,
            input: vec![value_info("input", input)],
            output: vec![value_info("logits", &graph[logits].shape)],
        }),
        opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: about.pairs(source.spec.classes).into_iter().map(property).collect(),
    }
}

fn value_info(name: &str, shape: &Shape) -> ValueInfo {
    let batch = shape.batched.then(|| Size::Param("N".to_owned()));
    let sizes = shape.dims.iter().map(|size| Size::Value(*size as i64));
    let dim = batch.into_iter().chain(sizes).map(|size| Dimension { value: Some(size) }).collect();
    let shape = Some(proto::TensorShape { dim });
    let tensor_type = Some(proto::TensorType { elem_type: Some(Tensor::FLOAT), shape });
    ValueInfo { name: Some(name.to_owned()), r#type: Some(proto::Type { tensor_type }) }
}

/// Nodes and tensors as far as they are written.
struct Writer<'a> {
    graph: &'a Graph,
    logits: NodeId,
    /// Values of parameters and buffers by their names.
    state: BTreeMap<&'a str, &'a HostTensor>,
    /// What values are called.
    values: BTreeMap<NodeId, String>,
    /// Every name that is taken.
    names: BTreeSet<String>,
    nodes: Vec<proto::Node>,
    initializers: Vec<Tensor>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a Source<'_>) -> Self {
        let graph = source.checked.graph();
        let entries = source.state.params.iter().chain(&source.state.buffers);
        let input = graph.ids().find(|id| graph[*id].op == Op::Input);
        Self {
            graph,
            logits: graph.output("logits").expect("checked graphs end in logits"),
            state: entries.map(|entry| (entry.name.as_str(), &entry.values)).collect(),
            values: input.map(|input| (input, "input".to_owned())).into_iter().collect(),
            names: ["input", "logits"].map(str::to_owned).into(),
            nodes: vec![],
            initializers: vec![],
        }
    }

    /// A name that nothing has yet.
    fn name(&mut self, wanted: &str) -> String {
        let others = (2..).map(|i| format!("{wanted}_{i}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(others);
        let name = names.find(|name| !self.names.contains(name)).expect("there is a free name");
        self.names.insert(name.clone());
        name
    }

    /// The value that a node of the net has.
    fn value(&self, id: NodeId) -> String {
        self.values.get(&id).cloned().expect("operands come before their users")
    }

    /// Adds an operator; its result is called `output`.
    fn operator(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<Attribute>) {
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(output.to_owned()),
            op_type: Some(op.to_owned()),
            attribute: attributes,
        });
    }

    /// A parameter or a buffer under another shape of as many elements.
    fn tensor(&mut self, name: &str, dims: &[usize]) -> String {
        let values = self.state.get(name).copied().expect("states hold every tensor of the net");
        let bytes = match values {
            HostTensor::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            HostTensor::F64(values) => {
                values.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect()
            }
        };
        self.initializer(name, Tensor::FLOAT, dims, bytes)
    }

    /// Equal numbers.
    fn filled(&mut self, name: &str, value: f64, dims: &[usize]) -> String {
        let count = dims.iter().product();
        let bytes = (value as f32).to_le_bytes().repeat(count);
        self.initializer(name, Tensor::FLOAT, dims, bytes)
    }

    /// Whole numbers in a row.
    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, Tensor::INT64, &[values.len()], bytes)
    }

    fn initializer(&mut self, name: &str, kind: i32, dims: &[usize], bytes: Vec<u8>) -> String {
        let name = self.name(name);
        self.initializers.push(Tensor {
            dims: dims.iter().map(|dim| *dim as i64).collect(),
            data_type: Some(kind),
            name: Some(name.clone()),
            raw_data: Some(bytes),
        });
        name
    }
}
