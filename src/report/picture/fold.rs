//! Equal uses of a block that follow each other become one frame with their count.
//!
//! Uses are equal when they have the same name and the same boxes, arrows and frames inside, and when each is fed by the one
//! before it alone and feeds the next one alone. Afterwards a box stands for its copies too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Frame, Picture, PictureBox};

/// What stands in a frame, in order.
#[derive(Clone, Debug)]
enum Element {
    Box(usize),
    Frame(usize),
}

struct Folder<'a> {
    picture: &'a Picture,
    /// Elements of each frame; those outside all frames last.
    inside: Vec<Vec<Element>>,
    boxes: Vec<PictureBox>,
    frames: Vec<Frame>,
    /// The box that stands for each box.
    stands: Vec<usize>,
    /// Arrows from copy to copy.
    between: BTreeSet<(usize, usize)>,
    enter: Vec<Vec<usize>>,
    leave: Vec<Vec<usize>>,
}

/// The picture with equal uses folded.
pub(super) fn fold(picture: &Picture) -> Picture {
    let n = picture.boxes.len();
    let (mut enter, mut leave) = (vec![vec![]; n], vec![vec![]; n]);
    for (from, to) in &picture.arrows {
        leave[*from].push(*to);
        enter[*to].push(*from);
    }
    let mut folder = Folder {
        picture,
        inside: elements(picture),
        boxes: picture.boxes.clone(),
        frames: picture.frames.clone(),
        stands: (0..n).collect(),
        between: BTreeSet::new(),
        enter,
        leave,
    };
    folder.level(picture.frames.len());
    folder.finish()
}

/// What stands in each frame directly, in the order of the net; what is outside all frames comes last.
fn elements(picture: &Picture) -> Vec<Vec<Element>> {
    let outside = picture.frames.len();
    let mut inside: Vec<Vec<Element>> = vec![vec![]; outside + 1];
    let mut seen = BTreeSet::new();
    for (i, drawn) in picture.boxes.iter().enumerate() {
        let mut at = drawn.frame;
        inside[at.unwrap_or(outside)].push(Element::Box(i));
        while let Some(frame) = at.filter(|frame| seen.insert(*frame)) {
            at = picture.frames[frame].parent;
            inside[at.unwrap_or(outside)].push(Element::Frame(frame));
        }
    }
    // A frame is met with its first box, which may have been entered before it: order by that box.
    let mut first: Vec<usize> = vec![usize::MAX; outside];
    for (i, drawn) in picture.boxes.iter().enumerate() {
        let mut at = drawn.frame;
        while let Some(frame) = at {
            first[frame] = first[frame].min(i);
            at = picture.frames[frame].parent;
        }
    }
    for list in &mut inside {
        list.sort_by_key(|element| match element {
            Element::Box(i) => *i,
            Element::Frame(frame) => first[*frame],
        });
    }
    inside
}

impl Folder<'_> {
    /// Folds inside the frames of a level, then those frames.
    fn level(&mut self, level: usize) {
        let list = self.inside[level].clone();
        for element in &list {
            if let Element::Frame(frame) = element {
                self.level(*frame);
            }
        }
        let mut kept: Vec<Element> = vec![];
        // The first frame of the present group, its last copy, and what it is like.
        let mut group: Option<(usize, usize, String)> = None;
        for element in list {
            let Element::Frame(frame) = element else {
                group = None;
                kept.push(element);
                continue;
            };
            let like = self.like(frame);
            match &mut group {
                Some((first, last, known)) if *known == like && self.follow(*last, frame) => {
                    let (first, before) = (*first, *last);
                    *last = frame;
                    self.frames[first].count += self.frames[frame].count;
                    self.join(first, before, frame);
                }
                _ => {
                    group = Some((frame, frame, like));
                    kept.push(element);
                }
            }
        }
        self.inside[level] = kept;
    }

    /// The boxes of a frame that stand for themselves, nested ones included, in order.
    fn members(&self, frame: usize) -> Vec<usize> {
        let mut members = vec![];
        for element in &self.inside[frame] {
            match element {
                Element::Box(i) => members.push(*i),
                Element::Frame(inner) => members.extend(self.members(*inner)),
            }
        }
        members
    }

    /// Every box of the unfolded frame, in order.
    fn all(&self, frame: usize) -> Vec<usize> {
        let inside = |mut at: Option<usize>| {
            while let Some(outer) = at {
                if outer == frame {
                    return true;
                }
                at = self.picture.frames[outer].parent;
            }
            false
        };
        let boxes = self.picture.boxes.iter().enumerate();
        boxes.filter(|(_, drawn)| inside(drawn.frame)).map(|(i, _)| i).collect()
    }

    /// A text that equal uses share.
    fn like(&self, frame: usize) -> String {
        let all = self.all(frame);
        let place: BTreeMap<usize, usize> =
            all.iter().enumerate().map(|(i, at)| (*at, i)).collect();
        let mut text = self.frames[frame].name.clone();
        for element in &self.inside[frame] {
            if let Element::Frame(inner) = element {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n[{} {}]", self.frames[*inner].title(), self.like(*inner));
            }
        }
        for i in &all {
            let drawn = &self.picture.boxes[*i];
            let from: Vec<String> = self.enter[*i]
                .iter()
                .map(|from| place.get(from).map_or_else(|| "-".to_owned(), ToString::to_string))
                .collect();
            let (kind, shape, style) = (&drawn.kind, &drawn.shape, drawn.style);
            let _ = write!(text, "\n{kind} {shape} {style:?} {}", from.join(","));
        }
        text
    }

    /// Whether what enters a frame comes from the one before it, which feeds nothing else.
    fn follow(&self, before: usize, frame: usize) -> bool {
        let source: BTreeSet<usize> = self.all(before).into_iter().collect();
        let own: BTreeSet<usize> = self.all(frame).into_iter().collect();
        let fed = own.iter().flat_map(|i| &self.enter[*i]);
        let feeds = source.iter().flat_map(|i| &self.leave[*i]);
        fed.clone().all(|from| own.contains(from) || source.contains(from))
            && feeds.clone().all(|to| own.contains(to) || source.contains(to))
    }

    /// Lets the boxes of `first` stand for those of an equal frame.
    fn join(&mut self, first: usize, before: usize, frame: usize) {
        let source: BTreeSet<usize> = self.all(before).into_iter().collect();
        for to in self.all(frame) {
            let from = self.enter[to].iter().filter(|from| source.contains(from));
            self.between.extend(from.map(|from| (*from, to)));
        }
        for (kept, gone) in self.members(first).into_iter().zip(self.members(frame)) {
            let other = self.boxes[gone].clone();
            let drawn = &mut self.boxes[kept];
            drawn.title.clone_from(&drawn.kind);
            drawn.layers += other.layers;
            let same = drawn.notes.len() == other.notes.len();
            let pairs = drawn.notes.iter().zip(&other.notes).filter(|_| same);
            drawn.notes = pairs.filter_map(|(own, later)| own.with(later)).collect();
        }
        // Nested copies are joined already: positions of the whole frames agree.
        let pairs: Vec<_> = self.all(first).into_iter().zip(self.all(frame)).collect();
        for (kept, gone) in pairs {
            self.stands[gone] = self.stands[kept];
        }
    }

    fn finish(self) -> Picture {
        let mut new_box = vec![usize::MAX; self.boxes.len()];
        let mut kept_boxes = vec![];
        let mut used = BTreeSet::new();
        for (i, drawn) in self.boxes.iter().enumerate() {
            if self.stands[i] == i {
                new_box[i] = kept_boxes.len();
                kept_boxes.push(drawn.clone());
                let mut at = drawn.frame;
                while let Some(frame) = at.filter(|frame| used.insert(*frame)) {
                    at = self.frames[frame].parent;
                }
            }
        }
        let new_frame: BTreeMap<usize, usize> =
            used.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let frames = used.iter().map(|old| {
            let frame = &self.frames[*old];
            Frame { parent: frame.parent.map(|parent| new_frame[&parent]), ..frame.clone() }
        });
        let frames = frames.collect();
        for drawn in &mut kept_boxes {
            drawn.frame = drawn.frame.map(|frame| new_frame[&frame]);
        }
        let at = |i: usize| new_box[self.stands[i]];
        let mut arrows: Vec<(usize, usize)> = self
            .picture
            .arrows
            .iter()
            .filter(|arrow| !self.between.contains(arrow))
            .map(|(from, to)| (at(*from), at(*to)))
            .collect();
        arrows.sort_unstable();
        arrows.dedup();
        Picture { boxes: kept_boxes, arrows, frames }
    }
}
