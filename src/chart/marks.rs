//! The data of a panel inside its frame: faint lines first, then bands, columns, lines, and single values on top.

use super::drawing::{Anchor, Drawing, Fill, Mark, Stroke, Text};
use super::frame::Frame;
use super::geometry::{Point, Rect, clip, thin};
use super::legend::{BAND, REFERENCE};
use super::palette::Paint;
use super::panel::{Panel, Place, is_marked};
use super::scale::Scale;
use super::series::{Estimate, Series, Shape};
use super::size::Size;

/// A line keeps four points in so many pixels; faint ones in more.
const FINE: f64 = 1.0;
const COARSE: f64 = 3.0;

/// Of more single runs than these, every second, third, … is drawn.
pub(super) const FAINT: usize = 60;

/// Draws everything between the axes.
pub(super) fn marks(drawing: &mut Drawing, panel: &Panel, frame: &Frame, size: Size) {
    for rule in &panel.rules {
        reference(drawing, rule.place, frame);
    }
    if panel.series.iter().all(|series| series.estimates().is_empty()) {
        let Rect { x, y, width, height } = frame.rect;
        let middle = (x + width / 2.0, y + height / 2.0);
        let text = Text::centred("no data", middle, Anchor::Middle, size.text());
        drawing.text(text.paint(Paint::Muted));
    }
    panel.series.iter().for_each(|series| faint(drawing, series, frame));
    panel.series.iter().for_each(|series| band(drawing, series, frame));
    for series in &panel.series {
        match &series.shape {
            Shape::Line { points, faint: _ } => line(drawing, series, points, frame, size),
            Shape::Steps(points) => steps(drawing, series, points, frame, size),
            Shape::Columns { edges, heights, filled } => {
                columns(drawing, series, (edges, heights), *filled, frame, size);
            }
            Shape::Points(_) => {}
        }
    }
    for series in &panel.series {
        if let Shape::Points(points) = &series.shape {
            values(drawing, series, points, frame);
        }
    }
}

fn reference(drawing: &mut Drawing, place: Place, frame: &Frame) {
    let Frame { rect, x, y } = frame;
    let line = match place {
        Place::Across(value) if y.domain.contains(value) => {
            y.at(value).map(|at| vec![(rect.x, at), (rect.right(), at)])
        }
        Place::Up(value) if x.domain.contains(value) => {
            x.at(value).map(|at| vec![(at, rect.bottom()), (at, rect.y)])
        }
        Place::Across(_) | Place::Up(_) => None,
        Place::Diagonal => {
            let (low, high) = (x.domain.low.max(y.domain.low), x.domain.high.min(y.domain.high));
            let ends = [low, high].map(|v| x.at(v).zip(y.at(v)));
            ends.into_iter().collect::<Option<Vec<_>>>().filter(|_| low < high)
        }
    };
    if let Some(line) = line {
        drawing.lines(clip(&line, rect), REFERENCE);
    }
}

/// The runs of points that both axes can place; what cannot be placed ends a run.
fn runs(points: impl Iterator<Item = (f64, f64)>, x: &Scale, y: &Scale) -> Vec<Vec<Point>> {
    let mut out = vec![vec![]];
    for (px, py) in points {
        match (x.at(px).zip(y.at(py)), out.last_mut()) {
            (Some(at), Some(run)) => run.push(at),
            _ => out.push(vec![]),
        }
    }
    out.retain(|run| !run.is_empty());
    out
}

fn faint(drawing: &mut Drawing, series: &Series, frame: &Frame) {
    let Shape::Line { faint, points: _ } = &series.shape else { return };
    let shown = faint.iter().step_by(faint.len().div_ceil(FAINT).max(1));
    let lines = shown.flat_map(|run| runs(run.iter().copied(), &frame.x, &frame.y));
    let lines = lines.flat_map(|run| clip(&thin(&run, COARSE), &frame.rect)).collect();
    let opacity = if faint.len() > 20 { 0.18 } else { 0.28 };
    let paint = Paint::Series(series.slot);
    drawing.lines(lines, Stroke { paint, width: 0.9, opacity, dash: &[] });
}

fn band(drawing: &mut Drawing, series: &Series, frame: &Frame) {
    let Shape::Line { points, faint: _ } = &series.shape else { return };
    let foot = frame.rect.bottom();
    // An end that a logarithmic axis cannot place lies below it.
    let end =
        |value: f64| if value.is_finite() { frame.y.clamped(value).or(Some(foot)) } else { None };
    let place = |point: &Estimate| {
        let (low, high) = point.interval.filter(|_| point.y.is_finite())?;
        let x = frame.x.at(point.x).filter(|_| frame.x.domain.contains(point.x))?;
        Some((x, end(low)?, end(high)?))
    };
    let mut open: Vec<(f64, f64, f64)> = vec![];
    let mut close = |open: &mut Vec<(f64, f64, f64)>| {
        if open.len() > 1 {
            let upper: Vec<Point> = open.iter().map(|p| (p.0, p.2)).collect();
            let lower: Vec<Point> = open.iter().map(|p| (p.0, p.1)).collect();
            let mut corners = thin(&upper, FINE);
            corners.extend(thin(&lower, FINE).into_iter().rev());
            let fill = Paint::Series(series.slot);
            drawing.marks.push(Mark::Area { corners, fill, opacity: BAND });
        }
        open.clear();
    };
    for point in points {
        match place(point) {
            Some(at) => open.push(at),
            None => close(&mut open),
        }
    }
    close(&mut open);
}

fn line(drawing: &mut Drawing, series: &Series, points: &[Estimate], frame: &Frame, size: Size) {
    let runs = runs(points.iter().map(|p| (p.x, p.y)), &frame.x, &frame.y);
    let inside = |point: &Point| frame.rect.contains(*point);
    let lone = runs.iter().filter(|run| run.len() == 1).flatten();
    let dots: Vec<Point> = if is_marked(points.len()) {
        runs.iter().flatten().copied().filter(inside).collect()
    } else {
        lone.copied().filter(inside).collect()
    };
    let lines: Vec<Vec<Point>> =
        runs.iter().flat_map(|run| clip(&thin(run, FINE), &frame.rect)).collect();
    if matches!(&series.shape, Shape::Line { faint, points: _ } if !faint.is_empty()) {
        // A rim of the ground lifts the line from the single runs below it.
        let rim =
            Stroke { paint: Paint::Paper, width: 3.2 * size.stroke(), opacity: 0.7, dash: &[] };
        drawing.lines(lines.clone(), rim);
    }
    drawing.lines(lines, Stroke::series(series.slot, size.stroke()));
    drawing.dots(dots, series.slot, 1.9 * size.stroke(), Fill::Full);
}

fn steps(drawing: &mut Drawing, series: &Series, points: &[Estimate], frame: &Frame, size: Size) {
    let rect = &frame.rect;
    let lines = runs(points.iter().map(|p| (p.x, p.y)), &frame.x, &frame.y)
        .into_iter()
        .flat_map(|run| {
            let mut corners: Vec<Point> = vec![];
            for point in run {
                if let Some(last) = corners.last().copied() {
                    corners.push((point.0, last.1));
                }
                corners.push(point);
            }
            // The last value holds up to the end of the axis.
            if let Some(last) = corners.last().copied() {
                corners.push((rect.right().max(last.0), last.1));
            }
            clip(&thin(&corners, FINE), rect)
        })
        .collect();
    drawing.lines(lines, Stroke::series(series.slot, size.stroke()));
}

fn columns(
    drawing: &mut Drawing,
    series: &Series,
    (edges, heights): (&[f64], &[f64]),
    filled: bool,
    frame: &Frame,
    size: Size,
) {
    let foot = frame.y.clamped(0.0).unwrap_or(frame.rect.bottom());
    let (mut outlines, mut boxes): (Vec<Vec<Point>>, Vec<Rect>) = (vec![], vec![]);
    let mut open: Vec<Point> = vec![];
    for (edge, height) in edges.windows(2).zip(heights) {
        let (left, right) = (frame.x.clamped(edge[0]), frame.x.clamped(edge[1]));
        // A column without height stands on the foot, on a logarithmic axis too.
        let top = if *height == 0.0 { Some(foot) } else { frame.y.clamped(*height) };
        let (Some(left), Some(right), Some(top)) = (left, right, top) else {
            finish(&mut open, foot, &mut outlines);
            continue;
        };
        if open.is_empty() {
            open.push((left, foot));
        }
        open.extend([(left, top), (right, top)]);
        let (left, right) = (left.min(right), left.max(right));
        let rect =
            Rect { x: left, y: top.min(foot), width: right - left, height: (foot - top).abs() };
        boxes.push(rect);
    }
    finish(&mut open, foot, &mut outlines);
    if filled {
        boxes.retain(|rect| rect.height > 0.0);
        // A gap of a pixel keeps columns apart.
        let inner = |r: &Rect| {
            if r.width > 3.0 { Rect { x: r.x + 0.5, width: r.width - 1.0, ..*r } } else { *r }
        };
        let boxes = boxes.iter().map(inner).collect();
        drawing.rects(boxes, Paint::Series(series.slot), 0.85);
    } else {
        drawing.lines(outlines, Stroke::series(series.slot, size.stroke()));
    }
}

fn finish(open: &mut Vec<Point>, foot: f64, outlines: &mut Vec<Vec<Point>>) {
    if let Some(last) = open.last().copied() {
        open.push((last.0, foot));
        outlines.push(std::mem::take(open));
    }
}

fn values(drawing: &mut Drawing, series: &Series, points: &[Estimate], frame: &Frame) {
    let (mut dots, mut bars) = (vec![], vec![]);
    for point in points {
        let Some(at) = frame.x.at(point.x).zip(frame.y.at(point.y)) else { continue };
        if !frame.rect.contains(at) {
            continue;
        }
        let ends = point.interval.and_then(|(low, high)| {
            let foot = if low.is_finite() { Some(frame.rect.bottom()) } else { None };
            frame.y.clamped(low).or(foot).zip(frame.y.clamped(high))
        });
        bars.extend(ends.map(|(low, high)| vec![(at.0, low), (at.0, high)]));
        dots.push(at);
    }
    let radius = if dots.len() > 60 { 2.6 } else { 4.0 };
    let fill = if dots.len() > 60 { Fill::Faint } else { Fill::Hollow };
    let paint = Paint::Series(series.slot);
    drawing.lines(bars, Stroke { paint, width: 1.2, opacity: 1.0, dash: &[] });
    drawing.dots(dots, series.slot, radius, fill);
}
