//! Where boxes, frames and arrows lie, in pixels.
//!
//! The longest path from the input to the logits is one straight column; every box has the row of the longest path that
//! leads to it. Boxes beside the column stand in lanes to its right, each lane in one column too, and arrows that skip rows
//! run in tracks between the column and the first lane.

use super::lanes::{lanes, main_path, rows, tracks};
use super::{Picture, PictureBox};

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// The right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The centre.
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// A picture with places.
#[derive(Clone, Debug)]
pub struct Placed {
    /// By box.
    pub boxes: Vec<Rect>,
    /// By frame.
    pub frames: Vec<Rect>,
    /// By arrow, the commands of an SVG path.
    pub arrows: Vec<String>,
    /// Which boxes stand in the main column.
    pub main: Vec<bool>,
    /// Width and height of everything.
    pub size: (f64, f64),
}

/// Size of titles in pixels.
pub(super) const TITLE: f64 = 13.0;
/// Size of everything else in pixels.
pub(super) const TEXT: f64 = 11.5;
/// Widths of a character as parts of the size of the text: generous for a sans-serif font.
const BOLD: f64 = 0.62;
const PLAIN: f64 = 0.58;
/// Distance of two lines of text.
pub(super) const LINE: f64 = 16.0;
/// Free space inside a box, left and right, above and below.
pub(super) const PAD: (f64, f64) = (12.0, 5.0);
/// Free space between title and shape.
const BETWEEN: f64 = 22.0;
/// Between rows.
const GAP: f64 = 12.0;
/// The title of a frame, and the free space below its last box.
pub(super) const FRAME: (f64, f64) = (20.0, 7.0);
/// From a frame to what it holds, left and right.
const FRAME_SIDE: f64 = 10.0;
/// Between tracks, and from a box to the first one.
const TRACK: f64 = 12.0;
/// Arrows enter a side so far above its middle, and leave it so far below.
const ASIDE: f64 = 5.0;
/// Around the picture.
const MARGIN: f64 = 20.0;

/// The size that the text of a box needs.
fn needed(drawn: &PictureBox) -> (f64, f64) {
    let count = |text: &str| text.chars().count() as f64;
    let head = count(&drawn.title) * BOLD * TITLE + BETWEEN + count(&drawn.shape) * PLAIN * TEXT;
    let notes = drawn.notes.iter().map(|note| count(&note.to_string()) * PLAIN * TEXT);
    let width = notes.fold(head, f64::max) + 2.0 * PAD.0;
    let lines = 1.0 + drawn.notes.len() as f64;
    (width.ceil(), LINE * lines + 2.0 * PAD.1)
}

/// Places everything.
pub fn place(picture: &Picture) -> Placed {
    let n = picture.boxes.len();
    let (mut enter, mut leave) = (vec![vec![]; n], vec![vec![]; n]);
    for (from, to) in &picture.arrows {
        enter[*to].push(*from);
        leave[*from].push(*to);
    }
    let rows = rows(&enter);
    let main = main_path(&rows, &enter);
    let depth = frame_depths(picture);
    let lanes = lanes(picture, &rows, &main, &enter, &leave, &depth);
    let n_rows = rows.iter().max().map_or(0, |row| row + 1);
    let spans = frame_rows(picture, &rows);
    let (opens, closes) = frame_levels(picture, &spans);

    let tracks = tracks(picture, &rows, &main);
    let n_tracks = tracks.values().max().map_or(0, |track| track + 1);
    let nest = depth.iter().max().map_or(0.0, |depth| (depth + 1) as f64);
    let sizes: Vec<(f64, f64)> = picture.boxes.iter().map(needed).collect();
    let n_lanes = lanes.iter().max().map_or(0, |lane| lane + 1);
    let mut widths = vec![0.0_f64; n_lanes];
    for (lane, (width, _)) in lanes.iter().zip(&sizes) {
        widths[*lane] = widths[*lane].max(*width);
    }
    let side = FRAME_SIDE * nest;
    let mut lefts = vec![MARGIN + side];
    for lane in 1..n_lanes {
        let tracks = if lane == 1 { TRACK * (n_tracks + 1) as f64 } else { 0.0 };
        lefts.push(lefts[lane - 1] + widths[lane - 1] + tracks + 2.0 * side + GAP);
    }

    let mut heights = vec![0.0_f64; n_rows];
    for (row, (_, height)) in rows.iter().zip(&sizes) {
        heights[*row] = heights[*row].max(*height);
    }
    let extra = |levels: &[usize], at: fn(&(usize, usize)) -> usize, row: usize| {
        let own = spans.iter().zip(levels).filter(|(span, _)| at(span) == row);
        own.map(|(_, level)| *level).max().unwrap_or(0) as f64
    };
    let mut tops = vec![];
    let mut y = MARGIN;
    for (row, height) in heights.iter().enumerate() {
        y += FRAME.0 * extra(&opens, |span| span.0, row);
        tops.push(y);
        y += height + FRAME.1 * extra(&closes, |span| span.1, row) + GAP;
    }
    let boxes: Vec<Rect> = (0..n)
        .map(|i| {
            let (lane, row) = (lanes[i], rows[i]);
            let y = tops[row] + (heights[row] - sizes[i].1) / 2.0;
            Rect { x: lefts[lane], y, width: widths[lane], height: sizes[i].1 }
        })
        .collect();

    let column = lefts[0] + widths.first().copied().unwrap_or(0.0);
    let track_x = |track: usize| column + TRACK * (track + 1) as f64;
    let frames = frames(picture, &boxes, &tops, &heights, &spans, (&opens, &closes), |frame| {
        let own = tracks
            .iter()
            .filter(|((from, to), _)| within(picture, *from, frame) || within(picture, *to, frame));
        own.map(|(_, track)| track_x(*track)).fold(0.0, f64::max)
    });
    let arrows = picture.arrows.iter().map(|(from, to)| match tracks.get(&(*from, *to)) {
        Some(track) => around(boxes[*from], boxes[*to], track_x(*track)),
        None if lanes[*from] == lanes[*to] => straight(boxes[*from], boxes[*to]),
        None => bent(boxes[*from], boxes[*to]),
    });
    let arrows = arrows.collect();
    let rects = || boxes.iter().chain(&frames);
    let tracks_right = tracks.values().map(|track| track_x(*track)).fold(0.0, f64::max);
    let right = rects().map(Rect::right).fold(tracks_right, f64::max);
    let bottom = rects().map(Rect::bottom).fold(0.0, f64::max);
    Placed { boxes, frames, arrows, main, size: (right + MARGIN, bottom + MARGIN) }
}

/// How many frames are around each frame.
fn frame_depths(picture: &Picture) -> Vec<usize> {
    let mut depths: Vec<usize> = vec![];
    for frame in &picture.frames {
        depths.push(frame.parent.map_or(0, |parent| depths[parent] + 1));
    }
    depths
}

/// Whether a box stands in a frame or in one inside it.
fn within(picture: &Picture, at: usize, frame: usize) -> bool {
    let mut inner = picture.boxes[at].frame;
    while let Some(found) = inner {
        if found == frame {
            return true;
        }
        inner = picture.frames[found].parent;
    }
    false
}

/// First and last row of each frame.
fn frame_rows(picture: &Picture, rows: &[usize]) -> Vec<(usize, usize)> {
    let mut spans = vec![(usize::MAX, 0); picture.frames.len()];
    for (drawn, row) in picture.boxes.iter().zip(rows) {
        let mut at = drawn.frame;
        while let Some(frame) = at {
            spans[frame] = (spans[frame].0.min(*row), spans[frame].1.max(*row));
            at = picture.frames[frame].parent;
        }
    }
    spans
}

/// How many titles, and how many lower edges, a frame takes beside its first and last row: its own and those inside it.
fn frame_levels(picture: &Picture, spans: &[(usize, usize)]) -> (Vec<usize>, Vec<usize>) {
    let n = picture.frames.len();
    let (mut opens, mut closes) = (vec![1; n], vec![1; n]);
    for (i, frame) in picture.frames.iter().enumerate().rev() {
        if let Some(parent) = frame.parent {
            if spans[parent].0 == spans[i].0 {
                opens[parent] = opens[parent].max(opens[i] + 1);
            }
            if spans[parent].1 == spans[i].1 {
                closes[parent] = closes[parent].max(closes[i] + 1);
            }
        }
    }
    (opens, closes)
}

/// A rectangle around the boxes of each frame, and around the tracks between them.
fn frames(
    picture: &Picture,
    boxes: &[Rect],
    tops: &[f64],
    heights: &[f64],
    spans: &[(usize, usize)],
    (opens, closes): (&[usize], &[usize]),
    tracks: impl Fn(usize) -> f64,
) -> Vec<Rect> {
    let n = picture.frames.len();
    let mut sides = vec![(f64::INFINITY, 0.0_f64); n];
    for (drawn, rect) in picture.boxes.iter().zip(boxes) {
        if let Some(frame) = drawn.frame {
            sides[frame] = (sides[frame].0.min(rect.x), sides[frame].1.max(rect.right()));
        }
    }
    // Inner frames come last: each widens the one around it.
    for i in (0..n).rev() {
        let right = sides[i].1.max(tracks(i));
        sides[i] = (sides[i].0 - FRAME_SIDE, right + FRAME_SIDE);
        if let Some(parent) = picture.frames[i].parent {
            sides[parent] = (sides[parent].0.min(sides[i].0), sides[parent].1.max(sides[i].1));
        }
    }
    (0..n)
        .map(|i| {
            let (first, last) = spans[i];
            let y = tops[first] - FRAME.0 * opens[i] as f64;
            let bottom = tops[last] + heights[last] + FRAME.1 * closes[i] as f64;
            let (left, right) = sides[i];
            Rect { x: left, y, width: right - left, height: bottom - y }
        })
        .collect()
}

/// Straight down.
fn straight(from: Rect, to: Rect) -> String {
    format!("M {:.1} {:.1} V {:.1}", from.middle().0, from.bottom(), to.y)
}

/// From lane to lane: out of one side, down, and in at the other.
fn bent(from: Rect, to: Rect) -> String {
    let ((from_x, from_y), (to_x, to_y)) = (from.middle(), to.middle());
    let (from_y, to_y) = (from_y + ASIDE, to_y - ASIDE);
    if from_x < to_x {
        let start = from.right();
        format!(
            "M {start:.1} {from_y:.1} C {to_x:.1} {from_y:.1}, {to_x:.1} {from_y:.1}, {to_x:.1} {:.1}",
            to.y
        )
    } else {
        let end = to.right();
        format!(
            "M {from_x:.1} {:.1} V {:.1} C {from_x:.1} {to_y:.1}, {from_x:.1} {to_y:.1}, {end:.1} {to_y:.1}",
            from.bottom(),
            to_y - GAP - to.height / 2.0,
        )
    }
}

/// Out at the right, down a track, and in at the right.
fn around(from: Rect, to: Rect, x: f64) -> String {
    const CORNER: f64 = 8.0;
    let (from_y, to_y) = (from.middle().1 + ASIDE, to.middle().1 - ASIDE);
    format!(
        "M {:.1} {from_y:.1} H {:.1} Q {x:.1} {from_y:.1} {x:.1} {:.1} V {:.1} Q {x:.1} {to_y:.1} {:.1} {to_y:.1} H {:.1}",
        from.right(),
        x - CORNER,
        from_y + CORNER,
        to_y - CORNER,
        x - CORNER,
        to.right(),
    )
}
