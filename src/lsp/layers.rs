//! The layers of a net as an editor shows them: shapes, costs and degrees, with the call that makes each.
//!
//! In: a checked graph, or one that ends where an error is. Out: a [`LayerView`] per layer, and a [`BlockView`] per use of a
//! block; both know their place in the text. A call in a block or a `repeat` makes several of them.

use crate::check::{Checked, Number};
use crate::diag::Span;
use crate::ir::{Graph, LayerId};
use crate::report::picture::Degrees;

/// How something scales, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Degree {
    /// It was not asked, or there is nothing to scale.
    Unknown,
    /// It has no degree.
    None,
    /// It has this one.
    Is(String),
}

impl Degree {
    fn of(number: Option<&Number>) -> Self {
        number.map_or(Self::None, |number| Self::Is(format!("degree {number}")))
    }

    /// `degree 2`, `no degree`, or nothing.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Unknown => "",
            Self::None => "no degree",
            Self::Is(degree) => degree,
        }
    }
}

/// A layer as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct LayerView {
    /// The call.
    pub(super) origin: Span,
    /// `conv1`, or its label.
    pub(super) name: String,
    /// The word of the language.
    pub(super) kind: String,
    /// The shape of the result.
    pub(super) shape: String,
    /// Trainable numbers, and operations per sample.
    pub(super) cost: Option<(u64, u64)>,
    /// The strongest degree of the result that is known, all parameters scaled together.
    pub(super) degree: Degree,
    /// The degree of the logits in the layer alone.
    pub(super) own: Degree,
}

/// A use of a block, or a turn of a `repeat`.
#[derive(Clone, Debug)]
pub(super) struct BlockView {
    /// The call, or the statement.
    pub(super) origin: Span,
    /// Whether it is a block, whose value goes on behind the call.
    pub(super) is_block: bool,
    /// Layers in it.
    pub(super) n_layers: usize,
    /// Their trainable numbers.
    pub(super) params: u64,
    /// The shape of its value.
    pub(super) shape: String,
    /// The degree of its value.
    pub(super) degree: Degree,
}

/// The layers and blocks of a checked net, in the order of the net.
pub(super) fn of(checked: &Checked) -> (Vec<LayerView>, Vec<BlockView>) {
    let graph = checked.graph();
    let degrees = Degrees::of(checked);
    let mut views: Vec<LayerView> = vec![];
    let mut blocks: Vec<Option<BlockView>> = vec![None; graph.uses.len()];
    for layer in checked.layers() {
        let written = graph.layer(layer.id);
        let degree = match &degrees {
            Some(degrees) => degrees.words(layer.output).map_or(Degree::None, Degree::Is),
            None => Degree::None,
        };
        let view = LayerView {
            origin: written.origin,
            name: written.name.clone(),
            kind: written.kind.clone(),
            shape: layer.shape.to_string(),
            cost: Some((layer.cost.params, layer.cost.flops)),
            degree,
            own: layer.own.as_ref().map_or(Degree::Unknown, |own| Degree::of(own.as_ref())),
        };
        let mut around = written.inside;
        while let Some(id) = around {
            let used = &graph.uses[id.0 as usize];
            let slot = &mut blocks[id.0 as usize];
            let before = slot.as_ref().map_or((0, 0), |block| (block.n_layers, block.params));
            // Every layer that the logits need reaches them through the value of its block, so the last one is that value.
            *slot = Some(BlockView {
                origin: used.origin,
                is_block: used.name != "repeat",
                n_layers: before.0 + 1,
                params: before.1 + layer.cost.params,
                shape: view.shape.clone(),
                degree: view.degree.clone(),
            });
            around = used.inside;
        }
        views.push(view);
    }
    (views, blocks.into_iter().flatten().collect())
}

/// The layers of a net that could not be expanded to its end.
pub(super) fn expanded(graph: &Graph) -> Vec<LayerView> {
    let mut views: Vec<Option<LayerView>> = vec![None; graph.layers.len()];
    for id in graph.ids() {
        let node = &graph[id];
        let Some(LayerId(layer)) = node.layer.filter(|_| node.shape.batched) else { continue };
        let written = &graph.layers[layer as usize];
        views[layer as usize] = Some(LayerView {
            origin: written.origin,
            name: written.name.clone(),
            kind: written.kind.clone(),
            shape: node.shape.to_string(),
            cost: None,
            degree: Degree::Unknown,
            own: Degree::Unknown,
        });
    }
    views.into_iter().flatten().collect()
}
