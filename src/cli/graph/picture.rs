//! The net as boxes and arrows: one box per layer, with the shape and the joint degree of its result and its degree in its
//! own parameters, and a last one with the verdict on the logits.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Checked, Number};
use crate::ir::{Graph, LayerId, NodeId, Op};

/// Above so many boxes, layers without parameters join the box of the layer before them.
const CROWDED: usize = 40;

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The boxes in the order of the net.
    pub boxes: Vec<PictureBox>,
    /// From box to box.
    pub arrows: Vec<(usize, usize)>,
}

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureBox {
    /// Its lines of text.
    pub lines: Vec<String>,
    /// How it is drawn.
    pub style: Style,
}

/// How a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Input and logits.
    End,
    /// A layer with parameters.
    Parameters,
    /// Any other layer.
    Plain,
    /// A layer that breaks degree one.
    Broken,
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Layer(LayerId),
    Node(NodeId),
}

/// The picture of a checked net.
pub fn picture(checked: &Checked) -> Picture {
    let graph = checked.graph();
    let live = crate::check::ancestors(graph, checked.logits());
    let joint = checked.exact().joint_of_nodes(graph);
    let key = |id: NodeId| match graph[id].layer {
        Some(layer) => Key::Layer(layer),
        None => Key::Node(id),
    };
    let mut order: Vec<Key> = vec![];
    let mut last: BTreeMap<Key, NodeId> = BTreeMap::new();
    let mut arrows: BTreeSet<(Key, Key)> = BTreeSet::new();
    for id in &live {
        if !graph[*id].shape.batched {
            continue;
        }
        let to = key(*id);
        if last.insert(to, *id).is_none() {
            order.push(to);
        }
        for input in graph.inputs(*id) {
            if graph[input].shape.batched && key(input) != to && !is_broadcast(graph, input) {
                arrows.insert((key(input), to));
            }
        }
    }
    let degree = |id: NodeId| shown(joint[id.0 as usize].as_ref());
    let mut boxes: Vec<(Key, PictureBox)> = order
        .iter()
        .map(|key| {
            let id = last[key];
            let facts = format!("{}  degree {}", graph[id].shape, degree(id));
            let (title, style) = match key {
                Key::Layer(layer) => (title(graph, *layer), style(checked, *layer)),
                Key::Node(id) if matches!(graph[*id].op, Op::Input) => {
                    ("input".to_owned(), Style::End)
                }
                Key::Node(id) => (graph[*id].op.to_string(), Style::Plain),
            };
            let mut lines = vec![title, facts];
            if let Key::Layer(layer) = key
                && let Some(own) = checked.exact().layer(*layer)
            {
                lines.push(format!("in its own parameters  degree {}", shown(own.as_ref())));
            }
            (*key, PictureBox { lines, style })
        })
        .collect();
    let mut arrows: Vec<(Key, Key)> = arrows.into_iter().collect();
    if boxes.len() > CROWDED {
        merge(&mut boxes, &mut arrows);
    }
    let ends = key(checked.logits());
    let last = boxes.iter().position(|(key, _)| *key == ends);
    let place: BTreeMap<Key, usize> =
        boxes.iter().enumerate().map(|(i, (key, _))| (*key, i)).collect();
    let mut arrows: Vec<(usize, usize)> =
        arrows.iter().map(|(from, to)| (place[from], place[to])).collect();
    let last = last.or(boxes.len().checked_sub(1));
    arrows.extend(last.map(|last| (last, boxes.len())));
    arrows.sort_unstable();
    let mut boxes: Vec<PictureBox> = boxes.into_iter().map(|(_, drawn)| drawn).collect();
    boxes.push(PictureBox { lines: verdict(checked), style: Style::End });
    Picture { boxes, arrows }
}

/// The box behind the net: how its logits scale.
fn verdict(checked: &Checked) -> Vec<String> {
    let (graph, exact) = (checked.graph(), checked.exact());
    let quasi = exact.weights_one.as_ref().or(exact.general.as_ref());
    let size = checked.training().normalizer.as_ref().ok();
    let size = size.map_or_else(|| "none".to_owned(), |size| size.formula(graph));
    let mut lines = vec![
        "logits".to_owned(),
        format!("joint degree {}", shown(exact.joint.as_ref())),
        format!("in the input  degree {}", shown(exact.input.as_ref())),
        format!("quasi-homogeneous  degree {}", shown(quasi.map(|quasi| &quasi.degree))),
    ];
    lines.extend(factors(&size));
    lines
}

fn shown(degree: Option<&Number>) -> String {
    degree.map_or_else(|| "–".to_owned(), ToString::to_string)
}

/// `R = …` on as many lines as a box of a usual width takes, broken between factors; of very long products the beginning.
fn factors(formula: &str) -> Vec<String> {
    const LENGTH: usize = 40;
    const LINES: usize = 8;
    let mut lines = vec!["R =".to_owned()];
    for factor in formula.split(" · ") {
        let line = lines.last_mut().expect("starts with one line");
        let is_first = line == "R =";
        if is_first || line.chars().count() + factor.chars().count() + 3 <= LENGTH {
            line.push_str(if is_first { " " } else { " · " });
            line.push_str(factor);
        } else {
            line.push_str(" ·");
            lines.push(factor.to_owned());
        }
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines.push("…".to_owned());
    }
    lines
}

fn is_broadcast(graph: &Graph, id: NodeId) -> bool {
    matches!(graph[id].op, Op::Expand { .. })
        && graph.inputs(id).iter().all(|input| !graph[*input].shape.batched)
}

fn title(graph: &Graph, layer: LayerId) -> String {
    let layer = graph.layer(layer);
    if layer.name.starts_with(&layer.kind) {
        layer.name.clone()
    } else {
        format!("{} ({})", layer.name, layer.kind)
    }
}

fn style(checked: &Checked, layer: LayerId) -> Style {
    let broken = checked.failures().iter().any(|failure| failure.layer == Some(layer));
    let with_parameters = checked.graph().params.iter().any(|param| param.layer == Some(layer));
    match (broken, with_parameters) {
        (true, _) => Style::Broken,
        (false, true) => Style::Parameters,
        (false, false) => Style::Plain,
    }
}

/// Joins plain boxes to the one before them where nothing else leaves it.
fn merge(boxes: &mut Vec<(Key, PictureBox)>, arrows: &mut Vec<(Key, Key)>) {
    let mut i = 0;
    while i < boxes.len() {
        let key = boxes[i].0;
        let into: Vec<Key> =
            arrows.iter().filter(|(_, to)| *to == key).map(|(from, _)| *from).collect();
        let single = match into.as_slice() {
            [from] if arrows.iter().filter(|(other, _)| other == from).count() == 1 => Some(*from),
            _ => None,
        };
        let before = single.and_then(|from| boxes.iter().position(|(other, _)| *other == from));
        let plain = boxes[i].1.style == Style::Plain;
        match before {
            Some(before) if plain && boxes[before].1.style != Style::End => {
                let (_, gone) = boxes.remove(i);
                let from = boxes[before].0;
                let kept = &mut boxes[before].1;
                kept.lines[0] = format!("{} → {}", kept.lines[0], gone.lines[0]);
                kept.lines[1].clone_from(&gone.lines[1]);
                arrows.retain(|(_, to)| *to != key);
                for arrow in arrows.iter_mut().filter(|(other, _)| *other == key) {
                    arrow.0 = from;
                }
            }
            Some(_) | None => i += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_broken_between_factors() {
        let formula = |n: usize| (1..=n).map(|i| format!("‖conv{i}.weight‖")).collect::<Vec<_>>();
        let of = |n| factors(&formula(n).join(" · "));
        assert_eq!(of(1), ["R = ‖conv1.weight‖"]);
        assert_eq!(of(3), ["R = ‖conv1.weight‖ · ‖conv2.weight‖ ·", "‖conv3.weight‖"]);
        let long = of(60);
        assert_eq!((long.len(), long.last().map(String::as_str)), (9, Some("…")));
    }
}
