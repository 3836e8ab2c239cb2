//! From the graph to boxes, one a layer, with the frames of the source.

use std::collections::{BTreeMap, BTreeSet};

use super::degree::Degrees;
use super::{Frame, Note, Picture, PictureBox, Style};
use crate::check::{self, Checked};
use crate::ir::{Graph, LayerId, NodeId, Op, UseId};

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Layer(LayerId),
    Node(NodeId),
}

/// Every layer with its own box, every use of a block with its own frame.
pub(super) fn boxes(checked: &Checked) -> Picture {
    let graph = checked.graph();
    let live = check::ancestors(graph, checked.logits());
    let key = |id: NodeId| match graph[id].layer {
        Some(layer) => Key::Layer(layer),
        None => Key::Node(id),
    };
    let mut order: Vec<Key> = vec![];
    let mut last: BTreeMap<Key, NodeId> = BTreeMap::new();
    let mut arrows: BTreeSet<(Key, Key)> = BTreeSet::new();
    for id in &live {
        if !graph[*id].shape.batched || is_broadcast(graph, *id) {
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
    let degrees = Degrees::of(checked);
    let mut frames = Frames::default();
    let broken: BTreeSet<LayerId> = checked.failures().iter().filter_map(|f| f.layer).collect();
    let trained: BTreeSet<LayerId> = graph.params.iter().filter_map(|param| param.layer).collect();
    let mut boxes: Vec<PictureBox> = vec![];
    for key in &order {
        let id = last[key];
        let mut notes = vec![];
        if let Some(degrees) = &degrees
            && let Some(degree) = &degrees.of[id.0 as usize]
        {
            notes.push(degrees.note(degree));
        }
        let mut drawn = PictureBox {
            title: graph[id].op.to_string(),
            shape: graph[id].shape.to_string(),
            notes,
            style: Style::Plain,
            frame: None,
            layers: 0,
            kind: graph[id].op.to_string(),
        };
        match key {
            Key::Layer(layer) => {
                if let Some(Some(own)) = checked.exact().layer(*layer) {
                    drawn.notes.push(Note::degree("degree", own, " in its own parameters"));
                }
                let of = graph.layer(*layer);
                drawn.title = title(graph, *layer);
                drawn.kind.clone_from(&of.kind);
                drawn.frame = of.inside.map(|inside| frames.of(graph, inside));
                drawn.layers = 1;
                drawn.style = match (broken.contains(layer), trained.contains(layer)) {
                    (true, _) => Style::Broken,
                    (false, true) => Style::Parameters,
                    (false, false) => Style::Plain,
                };
            }
            Key::Node(id) if matches!(graph[*id].op, Op::Input) => {
                (drawn.title, drawn.style) = ("input".to_owned(), Style::End);
                drawn.notes.clear();
            }
            Key::Node(_) => {}
        }
        boxes.push(drawn);
    }
    let place: BTreeMap<Key, usize> = order.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    let mut arrows: Vec<(usize, usize)> =
        arrows.iter().map(|(from, to)| (place[from], place[to])).collect();
    arrows.extend(place.get(&key(checked.logits())).map(|last| (*last, boxes.len())));
    arrows.sort_unstable();
    boxes.push(verdict(checked, degrees.as_ref()));
    let mut picture = Picture { boxes, arrows, frames: frames.list };
    leave_out_shells(&mut picture);
    picture
}

/// Frames by the uses of the graph that they stand for.
#[derive(Default)]
struct Frames {
    list: Vec<Frame>,
    known: BTreeMap<UseId, usize>,
}

impl Frames {
    fn of(&mut self, graph: &Graph, id: UseId) -> usize {
        let mut missing = vec![];
        let mut at = Some(id);
        while let Some(id) = at.filter(|id| !self.known.contains_key(id)) {
            missing.push(id);
            at = graph.uses[id.0 as usize].inside;
        }
        for id in missing.into_iter().rev() {
            let of = &graph.uses[id.0 as usize];
            let parent = of.inside.map(|outer| self.known[&outer]);
            self.known.insert(id, self.list.len());
            self.list.push(Frame { name: of.name.clone(), count: 1, parent });
        }
        self.known[&id]
    }
}

/// Takes away frames around a single frame and nothing else: the iterations of `repeat 3 { block }`.
fn leave_out_shells(picture: &mut Picture) {
    let n = picture.frames.len();
    let (mut n_boxes, mut n_frames) = (vec![0_usize; n], vec![0_usize; n]);
    for frame in picture.boxes.iter().filter_map(|drawn| drawn.frame) {
        n_boxes[frame] += 1;
    }
    for parent in picture.frames.iter().filter_map(|frame| frame.parent) {
        n_frames[parent] += 1;
    }
    let is_shell = |i: usize| n_boxes[i] == 0 && n_frames[i] == 1;
    let mut new = vec![None; n];
    let mut kept = vec![];
    for (i, frame) in picture.frames.iter().enumerate() {
        // Outer frames come first, so that the nearest one that stays is known.
        let parent = frame.parent.and_then(|parent| new[parent]);
        if is_shell(i) {
            new[i] = parent;
        } else {
            new[i] = Some(kept.len());
            kept.push(Frame { parent, ..frame.clone() });
        }
    }
    picture.frames = kept;
    for drawn in &mut picture.boxes {
        drawn.frame = drawn.frame.and_then(|frame| new[frame]);
    }
}

/// The box behind the net: how its logits scale.
fn verdict(checked: &Checked, degrees: Option<&Degrees>) -> PictureBox {
    let (graph, exact) = (checked.graph(), checked.exact());
    let degree = degrees.and_then(|degrees| {
        degrees.of[checked.logits().0 as usize].as_ref().map(|degree| degrees.note(degree))
    });
    let mut notes: Vec<Note> = degree.into_iter().collect();
    notes
        .extend(exact.input.as_ref().map(|degree| Note::degree("degree", degree, " in the input")));
    if let Ok(size) = &checked.training().normalizer {
        notes.extend(factors(&size.formula(graph)).into_iter().map(Note::Text));
    }
    PictureBox {
        title: "logits".to_owned(),
        shape: graph[checked.logits()].shape.to_string(),
        notes,
        style: Style::End,
        frame: None,
        layers: 0,
        kind: "logits".to_owned(),
    }
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

/// A number spread over a batch, which is no value of the net.
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
