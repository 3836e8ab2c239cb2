//! A heat map for pgfplots.

use std::collections::BTreeSet;

use super::super::heat::{Heat, Shade};
use super::super::palette::{DARKEST, Paint, Theme};
use super::tex;

/// Up to so many columns cells have their numbers, and about so many rows and columns have their names.
const NUMBERED: usize = 12;
const NAMED: usize = 30;

/// A filled rectangle for each cell in the shade of the drawing.
pub(super) fn heat(plot: &Heat) -> String {
    let (rows, columns) = (&plot.rows.names, &plot.columns.names);
    let domain = plot.domain();
    let numbered = columns.len() <= NUMBERED;
    let mut options = vec![
        format!("xlabel={{{}}}", tex::text(plot.columns.title())),
        format!("ylabel={{{}}}", tex::text(plot.rows.title())),
        format!("xmin=-0.5, xmax={}", columns.len().max(1) as f64 - 0.5),
        format!("ymin={}, ymax=0.5", 0.5 - rows.len().max(1) as f64),
        "grid=none, tick style={draw=none}".to_owned(),
    ];
    for (axis, sign, names) in [('x', "", columns), ('y', "-", rows)] {
        let every = names.len().div_ceil(NAMED).max(1);
        let shown = names.iter().enumerate().step_by(every);
        let places: Vec<String> = shown.clone().map(|(i, _)| format!("{sign}{i}")).collect();
        let names: Vec<String> =
            shown.map(|(_, name)| format!("{{{}}}", tex::text(name))).collect();
        options.push(format!("{axis}tick={{{}}}", places.join(",")));
        options.push(format!("{axis}ticklabels={{{}}}", names.join(",")));
    }
    options.push("x tick label style={rotate=90, anchor=east}".to_owned());
    let (low, high) = (tex::number(domain.low), tex::number(domain.high));
    let root = if plot.shade == Shade::Root { ", shades by the square root" } else { "" };
    let measure = tex::text(plot.measure.title());
    options.push(format!("title={{{measure}: {low} to {high}{root}}}"));
    let mut body: Vec<String> = (0..=DARKEST)
        .map(|shade| {
            let hex = Paint::Heat(shade).hex(Theme::Light).trim_start_matches('#').to_uppercase();
            format!("\\definecolor{{shade{}}}{{HTML}}{{{hex}}}", letter(shade))
        })
        .collect();
    let whole = plot.values.iter().flatten().all(|value| plot.shade(domain, *value).is_some());
    if whole {
        body.push("\\fill[shadeA] (rel axis cs:0,0) rectangle (rel axis cs:1,1);".to_owned());
    }
    for (i, row) in plot.values.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let Some(shade) = plot.shade(domain, *value) else { continue };
            let (x, y) = (j as f64, -(i as f64));
            // The lowest shade is the ground, unless cells are missing.
            if shade > 0 || !whole {
                body.push(format!(
                    "\\fill[shade{}] (axis cs:{},{}) rectangle (axis cs:{},{});",
                    letter(shade),
                    x - 0.5,
                    y - 0.5,
                    x + 0.5,
                    y + 0.5
                ));
            }
            if numbered {
                let paint = if Heat::is_inverted(shade) { "white" } else { "black" };
                let number = tex::text(&plot.written(domain, 0, *value));
                body.push(format!(
                    "\\node[{paint}, font=\\scriptsize] at (axis cs:{x},{y}) {{{number}}};"
                ));
            }
        }
    }
    let ratio = rows.len().max(1) as f64 / columns.len().max(1) as f64;
    tex::picture(&options, &BTreeSet::new(), (0.8, (0.8 * ratio).clamp(0.25, 1.2)), &body)
}

fn letter(shade: usize) -> char {
    char::from(b'A' + shade as u8)
}
