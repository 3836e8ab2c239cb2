//! One layer: its arguments, its name, its parameters and its operations.

use std::collections::BTreeMap;

use super::error::FLATTEN_FIRST;
use super::init::{Fans, initial};
use super::scope::{Frame, Tensor, View};
use super::{BuildError, Builder, MAX_PARAMETERS};
use crate::diag::Span;
use crate::ir::{
    Binary, ClassOp, Init, Layer, LayerId, ModalOp, NodeId, Op, Param, ParamRole, Shape, Unary,
};
use crate::model::Value;
use crate::model::bind::{Reader, bind, pair};
use crate::model::table::CallRow;
use crate::syntax::ast::{Call, Name};

/// The values of all arguments of a layer, defaults included.
pub(super) struct Args(BTreeMap<&'static str, Value>);

impl Args {
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn size(&self, name: &str) -> Option<usize> {
        self.0.get(name)?.size()
    }

    pub(super) fn float(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.number()
    }

    pub(super) fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.bool()
    }

    pub(super) fn pair(&self, name: &str) -> Option<[usize; 2]> {
        pair(self.0.get(name)?)
    }
}

/// The layer that nodes are made for.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) layer: LayerId,
    pub(super) span: Span,
}

impl<'a> Builder<'a> {
    /// Applies a layer of the table to `x`.
    pub(super) fn layer(
        &mut self,
        row: &'static CallRow,
        call: &Call,
        span: Span,
        label: Option<&Name>,
        frame: &Frame<'a>,
        x: Tensor,
    ) -> Tensor {
        let args = self.args(row, call, span, frame);
        // Names are given out even where the layer is broken, so that later ones keep theirs.
        let layer = self.name_layer(numbered_as(row.name), row.name, span, label);
        let (args, layer, x) = (args?, layer?, x?);
        self.apply(row.name, &args, Site { layer, span }, x)
    }

    fn args(
        &mut self,
        row: &'static CallRow,
        call: &Call,
        span: Span,
        frame: &Frame<'a>,
    ) -> Option<Args> {
        let mut errors = vec![];
        let bound = bind(row, call, span, &mut errors);
        let view = View { frame, graph: &self.graph, classes: self.spec.classes };
        let mut reader = Reader::new(&bound, &view, &mut errors);
        reader.inherited = Some(&self.spec.net.defaults);
        let mut args = BTreeMap::new();
        let mut sound = bound.complete;
        for param in row.params {
            match reader.value(param.name) {
                Some(Some(value)) => {
                    args.insert(param.name, value.value);
                }
                Some(None) => {}
                None => sound = false,
            }
        }
        for error in errors {
            self.report(error);
        }
        sound.then_some(Args(args))
    }

    /// Gives the next layer its name: the label, or the kind with its number.
    pub(super) fn name_layer(
        &mut self,
        numbered: &'static str,
        kind: &str,
        span: Span,
        label: Option<&Name>,
    ) -> Option<LayerId> {
        let name = if let Some(label) = label {
            let iterations = self.iterations.iter().map(|i| format!(".{i}"));
            std::iter::once(label.value.clone()).chain(iterations).collect()
        } else {
            let counter = self.counters.entry(numbered).or_insert(0);
            *counter += 1;
            format!("{numbered}{counter}")
        };
        let place = label.map_or(span, |label| label.span);
        if let Some(first) = self.names.get(&name) {
            let error = BuildError::Name { name, first: *first, span: place };
            return self.fail(&error);
        }
        self.names.insert(name.clone(), place);
        Some(self.graph.add_layer(Layer {
            name,
            kind: kind.to_owned(),
            origin: span,
            inside: self.uses.last().copied(),
        }))
    }

    /// Adds a node whose operands were checked; a refusal is reported all the same.
    pub(super) fn node(&mut self, op: Op, inputs: &[NodeId], span: Span, layer: LayerId) -> Tensor {
        match self.graph.add(op, inputs, span, Some(layer)) {
            Ok(node) => Some(node),
            Err(error) => {
                let layer = self.graph.layer(layer).kind.clone();
                self.fail(&BuildError::Misplaced {
                    title: format!("`{layer}` does not fit its input"),
                    found: error.found,
                    expected: "an input that the layer takes",
                    help: Some(format!("it takes {}", error.expected)),
                    span,
                })
            }
        }
    }

    pub(super) fn kind(&self, site: Site) -> String {
        self.graph.layer(site.layer).kind.clone()
    }

    /// Adds a parameter after counting its elements.
    pub(super) fn param(
        &mut self,
        site: Site,
        tensor: &str,
        dims: &[usize],
        role: ParamRole,
        init: Init,
    ) -> Tensor {
        let elements = dims.iter().fold(1u128, |product, dim| product.saturating_mul(*dim as u128));
        let count = self.parameters.saturating_add(elements);
        if count > MAX_PARAMETERS as u128 {
            return self.fail(&BuildError::TooLarge {
                layer: self.kind(site),
                what: "parameters",
                count,
                limit: MAX_PARAMETERS,
                span: site.span,
            });
        }
        self.parameters = count;
        let name = format!("{}.{tensor}", self.graph.layer(site.layer).name);
        let param = Param {
            name,
            shape: Shape::fixed(dims),
            role,
            init,
            layer: Some(site.layer),
            origin: site.span,
        };
        Some(self.graph.add_param(param).1)
    }

    /// Adds `bias` per channel or feature to `x`.
    pub(super) fn add_bias(
        &mut self,
        site: Site,
        x: NodeId,
        channels: usize,
        init: Init,
    ) -> Tensor {
        let bias = self.param(site, "bias", &[channels], ParamRole::Bias, init)?;
        let spread = self.expand(site, bias, x, vec![1])?;
        self.node(Op::Binary(Binary::Add), &[x, spread], site.span, site.layer)
    }

    /// Broadcasts a parameter to the shape of `x`.
    pub(super) fn expand(
        &mut self,
        site: Site,
        value: NodeId,
        x: NodeId,
        axes: Vec<usize>,
    ) -> Tensor {
        let shape = self.graph[x].shape.clone();
        self.node(Op::Expand { shape, axes }, &[value], site.span, site.layer)
    }

    /// The features of a flat input.
    pub(super) fn flat(&mut self, site: Site, x: NodeId) -> Option<usize> {
        let shape = self.graph[x].shape.clone();
        if let [features] = shape.dims[..] {
            return Some(features);
        }
        let layer = self.kind(site);
        let expected = format!("rank 2, [n, features] ({layer}, C1)");
        let help = Some(FLATTEN_FIRST.to_owned());
        let need = "a flat input";
        self.fail(&BuildError::Rank { layer, need, found: shape, expected, help, span: site.span })
    }

    fn apply(&mut self, kind: &str, args: &Args, site: Site, x: NodeId) -> Tensor {
        let op = match kind {
            "linear" => return self.linear(args, site, x),
            "conv" => return self.conv(args, site, x),
            "depthwise_conv" => return self.depthwise(args, site, x),
            "batch_norm" => return self.batch_norm(args, site, x),
            "layer_norm" => return self.layer_norm(args, site, x),
            "group_norm" => return self.group_norm(args, site, x),
            "max_pool" | "avg_pool" => return self.pool(kind == "max_pool", args, site, x),
            "global_avg_pool" => return self.global_avg_pool(site, x),
            "prelu" => return self.prelu(args, site, x),
            "flatten" => return self.flatten(site, x),
            "reshape" => return self.reshape(args, site, x),
            "identity" => return Some(x),
            "softmax" => {
                self.flat(site, x)?;
                Op::Class(ClassOp::Softmax)
            }
            "dropout" => {
                let stream = self.dropouts;
                self.dropouts += 1;
                Op::Modal(ModalOp::Dropout { p: args.float("p")?, stream })
            }
            name => Op::Unary(Unary::activation(name, args.float("slope"))?),
        };
        self.node(op, &[x], site.span, site.layer)
    }

    fn linear(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let inputs = self.flat(site, x)?;
        let outputs = args.size("features")?;
        let fans = Fans { inputs, outputs };
        let (weight_init, bias_init) = initial(args.value("init")?, fans);
        let weight =
            self.param(site, "weight", &[outputs, inputs], ParamRole::Weight, weight_init)?;
        self.bound_activations("linear", outputs as u128, site.span)?;
        let y = self.node(Op::Linear, &[x, weight], site.span, site.layer)?;
        if args.bool("bias")? { self.add_bias(site, y, outputs, bias_init) } else { Some(y) }
    }

    fn prelu(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let channels = self.graph[x].shape.dims.first().copied().unwrap_or(1);
        let count = if args.bool("per_channel")? { channels } else { 1 };
        let init = Init::Constant(args.float("slope")?);
        let slope = self.param(site, "weight", &[count], ParamRole::Slope, init)?;
        self.node(Op::Prelu, &[x, slope], site.span, site.layer)
    }

    fn flatten(&mut self, site: Site, x: NodeId) -> Tensor {
        let shape = &self.graph[x].shape;
        if shape.dims.len() == 1 {
            return Some(x);
        }
        let flat = Shape::per_sample([shape.elements()]);
        self.node(Op::Reshape(flat), &[x], site.span, site.layer)
    }

    fn reshape(&mut self, args: &Args, site: Site, x: NodeId) -> Tensor {
        let dims = args.value("shape")?.items().into_iter().map(Value::size);
        let wanted = Shape::per_sample(dims.collect::<Option<Vec<_>>>()?);
        let found = self.graph[x].shape.clone();
        if found.elements() != wanted.elements() {
            return self.fail(&BuildError::Elements { found, wanted, span: site.span });
        }
        self.node(Op::Reshape(wanted), &[x], site.span, site.layer)
    }
}

/// The word that numbers layers of a kind.
fn numbered_as(kind: &'static str) -> &'static str {
    match kind {
        "depthwise_conv" => "conv",
        "batch_norm" => "bn",
        "layer_norm" => "ln",
        "group_norm" => "gn",
        other => other,
    }
}
