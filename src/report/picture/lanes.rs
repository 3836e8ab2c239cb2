//! Rows, lanes and tracks: where boxes and arrows stand, not yet in pixels.

use std::collections::BTreeMap;

use super::Picture;

/// The longest path to each box, in arrows.
pub(super) fn rows(enter: &[Vec<usize>]) -> Vec<usize> {
    let mut rows: Vec<usize> = vec![];
    for from in enter {
        rows.push(from.iter().map(|from| rows[*from] + 1).max().unwrap_or(0));
    }
    rows
}

/// The boxes of the longest path to the last box.
pub(super) fn main_path(rows: &[usize], enter: &[Vec<usize>]) -> Vec<bool> {
    let mut main = vec![false; rows.len()];
    let mut at = rows.len().checked_sub(1);
    while let Some(i) = at {
        main[i] = true;
        at = enter[i].iter().copied().find(|from| rows[*from] + 1 == rows[i]);
    }
    main
}

/// The lane of each box: 0 for the main path; what is deepest in frames stands nearest to it.
pub(super) fn lanes(
    picture: &Picture,
    rows: &[usize],
    main: &[bool],
    enter: &[Vec<usize>],
    leave: &[Vec<usize>],
    depth: &[usize],
) -> Vec<usize> {
    let mut lanes = vec![0; rows.len()];
    let mut taken: Vec<Vec<(usize, usize)>> = vec![];
    let mut order: Vec<usize> = (0..rows.len()).filter(|i| !main[*i]).collect();
    let deep = |i: usize| picture.boxes[i].frame.map_or(0, |frame| depth[frame] + 1);
    order.sort_by_key(|i| (std::cmp::Reverse(deep(*i)), *i));
    for i in order {
        // The lane is taken down to the row before the one that the value goes to.
        let last = leave[i].iter().map(|to| rows[*to].saturating_sub(1)).max().unwrap_or(rows[i]);
        let span = (rows[i], last.max(rows[i]));
        let is_free = |lane: &Vec<(usize, usize)>| {
            lane.iter().all(|(start, end)| span.1 < *start || *end < span.0)
        };
        let before = match enter[i].as_slice() {
            [from] if lanes[*from] > 0 => Some(lanes[*from] - 1),
            _ => None,
        };
        let lane = before.filter(|lane| is_free(&taken[*lane]));
        let lane = lane.or_else(|| taken.iter().position(is_free)).unwrap_or_else(|| {
            taken.push(vec![]);
            taken.len() - 1
        });
        taken[lane].push(span);
        lanes[i] = lane + 1;
    }
    lanes
}

/// The track of each arrow within the main column that skips a row; arrows that overlap have different ones.
pub(super) fn tracks(
    picture: &Picture,
    rows: &[usize],
    main: &[bool],
) -> BTreeMap<(usize, usize), usize> {
    let mut taken: Vec<Vec<(usize, usize)>> = vec![];
    let mut tracks = BTreeMap::new();
    let skips =
        |(from, to): &&(usize, usize)| main[*from] && main[*to] && rows[*to] > rows[*from] + 1;
    let mut skipping: Vec<(usize, usize)> = picture.arrows.iter().filter(skips).copied().collect();
    skipping.sort_by_key(|(from, to)| (rows[*to] - rows[*from], *from));
    for (from, to) in skipping {
        let span = (rows[from], rows[to]);
        let is_free = |track: &Vec<(usize, usize)>| {
            track.iter().all(|(start, end)| span.1 <= *start || *end <= span.0)
        };
        let track = taken.iter().position(is_free).unwrap_or_else(|| {
            taken.push(vec![]);
            taken.len() - 1
        });
        taken[track].push(span);
        tracks.insert((from, to), track);
    }
    tracks
}
