//! Claims with their verdicts, and what was found of each line against what it wants.

use crate::chart::{Axis, Chart, Difference, Forest, Meaning, Slot, Spread, Wanted};
use crate::report::page::{Block, Claim, Figure, Section};
use crate::study::{self, Judged, JudgedLine, Verdict, verdicts_text};

/// Lines in a figure.
const LINES: usize = 40;

/// What a figure says of its rows.
const NOTE: &str = "Of each line the left side less the right one, but for numbers that are added to them. \
     On green ground the claim wants the value; the edge is its threshold.";

/// The section; empty without claims.
pub(super) fn section(claims: &[Judged]) -> Section {
    let mut section = Section::new("claims", "Claims", "");
    if claims.is_empty() {
        return section;
    }
    section = section.with(Block::Claims(claims.iter().map(claim).collect()));
    for (id, what, is_share) in
        [("shares", "shares of samples", true), ("others", "other measures", false)]
    {
        if let Some(chart) = forest(claims, what, is_share) {
            section = section.with(Figure::lead(format!("claim-{id}"), chart));
        }
    }
    section
}

/// Words and numbers of a claim as `specc verify` has them.
fn claim(judged: &Judged) -> Claim {
    let text = verdicts_text(std::slice::from_ref(judged));
    let lines: Vec<&str> = text.lines().collect();
    // The first line is the claim, and the last one counts claims.
    let numbers = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
    Claim {
        claim: judged.claim.clone(),
        verdict: judged.verdict.name().to_owned(),
        lines: numbers.iter().map(|line| line.trim().to_owned()).collect(),
    }
}

/// A row for each line of such claims that has an interval.
fn forest(claims: &[Judged], what: &str, is_share: bool) -> Option<Chart> {
    let all = claims.iter().flat_map(|claim| claim.lines.iter().map(move |line| (claim, line)));
    let all: Vec<(&Judged, &JudgedLine)> =
        all.filter(|(_, line)| line.wanted.share == is_share && line.value().is_some()).collect();
    let level = all.first()?.1.level;
    // Intervals of one figure are of one level.
    let own: Vec<_> = all.iter().filter(|(_, line)| line.level == level).take(LINES).collect();
    let rows = own.iter().filter_map(|(claim, line)| {
        let (value, [low, high]) = line.value()?;
        // The words of a claim are those of its line where it has one only.
        let name = if claim.lines.len() == 1 { &claim.claim } else { &line.line };
        let wanted = Some(wanted(line.wanted)?);
        Some(Difference { name: name.clone(), slot: Slot(0), value, interval: (low, high), wanted })
    });
    let rows: Vec<Difference> = rows.collect();
    let holding = own.iter().filter(|(_, line)| line.verdict == Verdict::Holds).count();
    let finding = format!("{holding} of {} lines hold.", own.len());
    let note = match all.len() - own.len() {
        0 => NOTE.to_owned(),
        left => format!("{NOTE} {left} more lines are left out."),
    };
    let n = own.iter().map(|(_, line)| line.n).max()?;
    let axis = Axis::new("left less right");
    let axis = if is_share { axis.percent() } else { axis };
    let plot = Forest::new(axis, Spread { meaning: Meaning::Confidence(level), n }, rows);
    Some(Chart::new(format!("What the claims want: {what}"), finding, note, plot))
}

fn wanted(of: study::Wanted) -> Option<Wanted> {
    match (of.from, of.to) {
        (Some(low), Some(high)) => Some(Wanted::Between(low, high)),
        (Some(low), None) => Some(Wanted::AtLeast(low)),
        (None, Some(high)) => Some(Wanted::AtMost(high)),
        (None, None) => None,
    }
}
