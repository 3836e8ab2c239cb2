//! Which runs there are, how they stand, and what they measured in the mean.

use std::collections::BTreeMap;

use super::material::{Facet, Member, members};
use super::words::{count, list};
use crate::chart::{Axis, Cell, Chart, Estimate, Group, Meaning, Spread, Strip, Table, short};
use crate::report::page::{Block, Figure, LabelledTable, Section, Tone};
use crate::stats::Sample;
use crate::study::RunState;
use crate::train::Summary;

/// Runs in the table of single runs.
const RUNS: usize = 300;

/// A measure of a summary by its name, and whether it is a share.
type Measure = (&'static str, bool, fn(&Summary) -> Option<f64>);

/// The measures of the grouped table.
const MEASURES: [Measure; 6] = [
    ("test accuracy", true, |s| s.test.accuracy),
    ("close enough 0.05", true, |s| s.test.close_enough.get("0.05").copied().flatten()),
    ("training accuracy", true, |s| s.train.accuracy),
    ("test loss", false, |s| s.test.loss),
    ("super-class accuracy", true, |s| s.test.super_class_accuracy),
    ("R", false, |s| s.size),
];

/// The grouped table: mean and standard deviation over the finished runs of each group.
pub(super) fn results(facets: &[Facet], axes: (&str, &str)) -> Section {
    let mut section = Section::new("results", "Results", "");
    let summaries = || members(facets).filter_map(Member::summary);
    let has = |measure: &Measure| summaries().any(|summary| measure.2(summary).is_some());
    let measures: Vec<Measure> = MEASURES.into_iter().filter(has).collect();
    let has_names = facets.iter().any(|facet| !facet.name.is_empty());
    let mut headings = vec![axes.0.to_owned()];
    if has_names {
        headings.push(axes.1.to_owned());
    }
    headings.push("n".to_owned());
    let mut seen_headings = headings.clone();
    seen_headings.extend(measures.iter().map(|(name, ..)| (*name).to_owned()));
    headings.extend(measures.iter().flat_map(|(name, ..)| [(*name).to_owned(), "± sd".to_owned()]));
    let (mut rows, mut shown) = (vec![], vec![]);
    let mut best: Option<(f64, String)> = None;
    for facet in facets {
        for group in &facet.groups {
            let own: Vec<&Summary> = group.members.iter().filter_map(Member::summary).collect();
            let mut row = vec![Cell::Text(group.label.clone())];
            if has_names {
                let lead = format!("{} = ", axes.1);
                let name = facet.name.strip_prefix(&lead).unwrap_or(&facet.name);
                row.push(Cell::Text(name.to_owned()));
            }
            row.push(Cell::Number(own.len() as f64));
            let mut seen = row.clone();
            for (i, (_, is_share, measure)) in measures.iter().enumerate() {
                let values: Vec<f64> = own.iter().filter_map(|summary| measure(summary)).collect();
                let sample = Sample::of(&values);
                let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
                let mean = (sample.n > 0).then_some(sample.mean);
                row.extend([number(mean), number(sample.deviation())]);
                seen.push(Cell::Text(spread(&sample, *is_share)));
                if let (0, Some(mean)) = (i, mean)
                    && best.as_ref().is_none_or(|(best, _)| mean > *best)
                {
                    let parts = [group.label.as_str(), facet.name.as_str()];
                    let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                    best = Some((mean, parts.join(", ")));
                }
            }
            rows.push(row);
            shown.push(seen);
        }
    }
    if measures.is_empty() {
        return section;
    }
    if let Some((mean, name)) = best {
        let mean = super::words::percent(Some(mean));
        section.finding = format!("The highest mean test accuracy is that of {name}: {mean}.");
    }
    section = section.with(LabelledTable {
        id: "groups".to_owned(),
        title: "Mean and standard deviation over finished runs".to_owned(),
        table: Table { headings, rows },
        shown: Some(Table { headings: seen_headings, rows: shown }),
    });
    match strip(facets) {
        Some(chart) => section.with(Figure::lead("seeds", chart)),
        None => section,
    }
}

/// `85.1 ± 1.2 %`.
fn spread(sample: &Sample, is_share: bool) -> String {
    if sample.n == 0 {
        return String::new();
    }
    let (factor, unit) = if is_share { (100.0, " %") } else { (1.0, "") };
    let number = |value: f64, digits| short(value * factor, digits);
    match sample.deviation() {
        Some(sd) => format!("{} ± {}{unit}", number(sample.mean, 4), number(sd, 2)),
        None => format!("{}{unit}", number(sample.mean, 4)),
    }
}

/// Every run as a dot, where there are few groups.
fn strip(facets: &[Facet]) -> Option<Chart> {
    let mut most = 0;
    let groups: Vec<Group> = facets
        .iter()
        .flat_map(|facet| facet.groups.iter().map(move |group| (facet, group)))
        .filter_map(|(facet, group)| {
            let of = |m: &Member| m.summary()?.test.accuracy;
            let values: Vec<f64> = group.members.iter().filter_map(of).collect();
            let sample = Sample::of(&values);
            most = most.max(sample.n);
            let interval = sample.deviation().map(|sd| (sample.mean - sd, sample.mean + sd));
            let estimate = Estimate { x: 0.0, y: sample.mean, interval };
            let name = match facet.name.as_str() {
                "" => group.label.clone(),
                name => format!("{}, {name}", group.label),
            };
            let spread = Spread { meaning: Meaning::Deviation, n: sample.n };
            let summary = (sample.n > 1).then_some((estimate, spread));
            (sample.n > 0).then_some(Group { name, slot: group.slot, values, summary })
        })
        .collect();
    let fits = (2..=30).contains(&groups.len()) && most > 1;
    let plot = Strip::new(Axis::new("test accuracy").percent(), groups);
    fits.then(|| Chart::new("Every run", "", "Each dot is a run.", plot))
}

/// What is not finished, for the top of the page.
pub(super) fn unfinished(facets: &[Facet]) -> Option<Block> {
    let mut states: BTreeMap<RunState, usize> = BTreeMap::new();
    for row in members(facets).filter_map(|member| member.row.as_ref()) {
        *states.entry(row.state).or_default() += 1;
    }
    let all: usize = states.values().sum();
    let done = states.remove(&RunState::Done).unwrap_or(0);
    let others: Vec<String> =
        states.iter().map(|(state, n)| format!("{n} {}", state.name())).collect();
    (!others.is_empty()).then(|| {
        let text = format!(
            "{done} of {} {} finished; {}. Curves show what is there so far; tables and measures of samples are those of finished runs.",
            count(all, "run"),
            if all == 1 { "is" } else { "are" },
            list(&others)
        );
        Block::Note(Tone::Warning, text)
    })
}

/// Every run with its state.
pub(super) fn runs(facets: &[Facet]) -> Section {
    let section = Section::new("runs", "Runs", "");
    let mut rows = vec![];
    for (label, facet, member) in facets.iter().flat_map(|facet| {
        let of = move |group| (group, facet);
        facet.groups.iter().map(of).flat_map(|(group, facet)| {
            group.members.iter().map(move |m| (&group.label, &facet.name, m))
        })
    }) {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let seed = member.seed().map(|seed| seed as f64);
        let row = member.row.as_ref();
        rows.push(vec![
            Cell::Text(label.clone()),
            if facet.is_empty() { Cell::Empty } else { Cell::Text(facet.clone()) },
            number(seed),
            row.map_or(Cell::Empty, |row| Cell::Text(row.state.name().to_owned())),
            number(row.map(|row| row.epochs as f64)),
            number(member.summary().and_then(|s| s.test.accuracy)),
            Cell::Text(member.name.clone()),
        ]);
    }
    let all = rows.len();
    rows.truncate(RUNS);
    let title = match all {
        n if n > RUNS => format!("The first {RUNS} of {}", count(n, "run")),
        n => count(n, "run"),
    };
    let headings = ["group", "circumstances", "seed", "state", "epochs", "test accuracy", "place"];
    let table = Table { headings: headings.map(str::to_owned).to_vec(), rows };
    let id = "runs".to_owned();
    section.with(Block::More(
        title.clone(),
        vec![LabelledTable { id, title, table, shown: None }.into()],
    ))
}
