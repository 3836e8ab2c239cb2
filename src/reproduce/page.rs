//! The page: every figure with its charts, its gaps and its verdicts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Figure, Gaps, Losses, charts, gaps};
use crate::chart::{Chart, Size, Theme, escaped, marked, style_sheet};
use crate::store::StoreError;
use crate::study::{self, Judged, RunState, Study, Table, Verdict};
use crate::train::StoredRun;

/// A figure that was made again.
#[derive(Clone, Debug)]
pub struct Reproduced {
    /// Which.
    pub figure: Figure,
    /// What was trained: epochs, seeds, what a quick run leaves out.
    pub setting: String,
    /// Its charts.
    pub charts: Vec<Chart>,
    /// The paper's values against ours.
    pub gaps: Gaps,
    /// What holds of the paper's statements.
    pub claims: Vec<Judged>,
}

impl Reproduced {
    /// Of the runs of a study that are done.
    ///
    /// # Errors
    /// [`StoreError`] where a run cannot be read.
    pub fn of(
        figure: Figure,
        study: &Study,
        made: &[study::Made],
        claims: Vec<Judged>,
        setting: String,
    ) -> Result<Self, StoreError> {
        let mut losses = vec![];
        for cell in &study.cells {
            let label = cell.labels.iter().find(|(axis, _)| axis == "loss");
            let label = label.map_or_else(|| cell.name(), |(_, label)| label.clone());
            let own = made.iter().filter(|made| study.cells[made.run.cell].hash == cell.hash);
            let done = own.filter(|made| made.state == RunState::Done);
            let runs = done.map(|made| StoredRun::open(&made.run.dir));
            losses.push(Losses { label, runs: runs.collect::<Result<_, _>>()? });
        }
        Ok(Self {
            charts: charts(&figure, &losses, &setting)?,
            gaps: gaps(&figure, &losses)?,
            claims,
            figure,
            setting,
        })
    }

    /// Each chart as a drawing of its own, its numbers, and source for papers: names of files with their contents.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![];
        for (place, chart) in ('a'..).zip(&self.charts) {
            let name = |ending: &str| format!("fig{}{place}.{ending}", self.figure.number);
            files.push((name("svg"), chart.standalone(Size::Middle, Theme::Light)));
            files.push((name("csv"), chart.table().csv()));
            files.push((name("tex"), chart.pgfplots()));
        }
        files
    }
}

/// `specc.reproduce/1`.
pub fn document(made: &[Reproduced], ok: bool, diagnostics: &[Value]) -> Value {
    let figure = |made: &Reproduced| {
        json!({
            "figure": made.figure.number,
            "setting": made.setting,
            "gaps": made.gaps.values,
            "beyond": made.gaps.beyond,
            "claims": made.claims,
        })
    };
    json!({
        "schema": "specc.reproduce/1",
        "ok": ok,
        "diagnostics": diagnostics,
        "figures": made.iter().map(figure).collect::<Vec<_>>(),
    })
}

const STYLE: &str = "
body { max-width: 60rem; margin: 0 auto; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { margin-top: 3rem; font-size: 1.25rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
.wide { overflow-x: auto; } .verdict { font-weight: 600; }
ul.claims { padding-left: 1.2rem; } ul.claims small { display: block; opacity: .8; }
";

/// One file without a request to anywhere; equal input gives equal bytes.
pub fn page(figures: &[Reproduced]) -> String {
    let mut out =
        String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    out += "<title>Two-scale losses, made again</title>\n";
    // Writing to a string cannot fail.
    let _ = write!(out, "<style>{}{STYLE}</style>\n</head>\n<body>\n<main>\n", style_sheet());
    out += "<h1>Two-scale losses, made again</h1>\n<p>The figures of Berlyand, Creese and Jabin (arXiv:2106.02676). ";
    out += "Points are values read off the paper; lines are runs of this program. A claim holds when its whole 95 % interval ";
    out += "over the seeds satisfies it, is refuted when none of it does, and is open otherwise.</p>\n";
    out += &summary(figures);
    for reproduced in figures {
        figure(reproduced, &mut out);
    }
    out + "</main>\n</body>\n</html>\n"
}

/// How many claims hold.
fn summary(figures: &[Reproduced]) -> String {
    let claims = || figures.iter().flat_map(|figure| &figure.claims);
    let count = |verdict: Verdict| claims().filter(|claim| claim.verdict == verdict).count();
    format!(
        "<p class=\"verdict\">{} claims hold, {} are refuted, {} are open.</p>\n",
        count(Verdict::Holds),
        count(Verdict::Refuted),
        count(Verdict::Open)
    )
}

fn figure(reproduced: &Reproduced, out: &mut String) {
    let Reproduced { figure, setting, charts, gaps, claims } = reproduced;
    let number = figure.number.trim_start_matches('0');
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<section aria-labelledby=\"figure-{number}\">\n<h2 id=\"figure-{number}\">Figure {number}. {}</h2>\n<p>{}</p>\n",
        escaped(figure.title),
        escaped(setting)
    );
    for (at, chart) in charts.iter().enumerate() {
        out.push_str(&chart.figure(&format!("f{number}-{at}")));
    }
    if !claims.is_empty() {
        out.push_str("<h3>What the paper says</h3>\n<ul class=\"claims\">\n");
        for claim in claims {
            let verdict = claim.verdict.name();
            let _ = write!(
                out,
                "<li><span class=\"verdict\">{verdict}</span>: {}",
                escaped(&claim.claim)
            );
            for line in &claim.lines {
                let number = |value: Option<f64>| {
                    value.map_or("–".to_owned(), |value| format!("{value:.4}"))
                };
                let interval = line
                    .interval
                    .map_or(String::new(), |[low, high]| format!(" [{low:.4}, {high:.4}]"));
                let _ = write!(
                    out,
                    "<small>{}: left {}, right {}, difference {}{interval}, n = {}</small>",
                    escaped(&line.line),
                    number(line.left),
                    number(line.right),
                    number(line.difference),
                    line.n
                );
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
    if !gaps.values.is_empty() || gaps.beyond > 0 {
        out.push_str("<h3>Gaps</h3>\n");
        table(&gaps.table(), out);
        if let Some(text) = gaps.left_out() {
            out.extend(["<p>", &marked(&text), "</p>\n"]);
        }
    }
    out.push_str("</section>\n");
}

/// A table within a part that scrolls; nothing without rows.
fn table(table: &Table, out: &mut String) {
    if table.rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Gaps\"><table>\n<thead><tr>");
    for heading in &table.header {
        out.extend(["<th scope=\"col\">", &escaped(heading), "</th>"]);
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in table.short_rows() {
        out.push_str("<tr>");
        for cell in row {
            out.extend(["<td>", &escaped(&cell), "</td>"]);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}
