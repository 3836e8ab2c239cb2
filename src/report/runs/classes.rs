//! Classes: margins of each, and which are taken for which.

use super::confidence::Split;
use super::material::{Facet, Member, Named};
use super::taken::{LEVELS, Samples, Taken};
use super::words::{percent, thousands};
use crate::chart::{
    Axis, BarGroup, Bars, Categories, Cell, Chart, Estimate, Group, Heat, Meaning, Shade, Slot,
    Spread, Strip, Table,
};
use crate::report::page::{Block, Figure, LabelledTable, Section, Tone};
use crate::stats::Sample;

/// Classes beyond which super-classes, or the hardest classes, are shown in place of all.
const MOST: usize = 30;

/// Confusions in the table of a net with many classes.
const PAIRS: usize = 40;

/// The classes of one set of logits.
pub(super) fn of_run(member: &Member, split: Split, named: &Named, note: &str) -> Section {
    let mut section = Section::new("classes", "Classes", "");
    let Some(taken) = split(member) else { return section };
    let Some(samples) = &taken.samples else { return section };
    let missing = taken.classes - taken.per_class.len();
    if missing > 0 {
        let text = format!("{missing} of {} classes have no sample here.", taken.classes);
        section = section.with(Block::Note(Tone::Plain, text));
    }
    if let Some(chart) = margins(taken, samples, named, note) {
        section = section.with(Figure::lead("class-margins", chart));
    }
    let many = taken.classes > MOST;
    let own = samples.confusion.as_ref();
    if let (true, Some(counts)) = (many, &samples.super_confusion) {
        let names = (0..counts.len()).map(|i| named.super_class(i)).collect();
        let chart = heat("Confusion of super-classes", counts, names, "super-class", note);
        section = section.with(Figure::lead("super-confusion", chart));
    }
    if let Some(counts) = own {
        let names: Vec<String> = (0..counts.len()).map(|i| named.class(i)).collect();
        if many {
            let pairs = LabelledTable {
                id: "confusions".to_owned(),
                title: "The most frequent confusions".to_owned(),
                table: pairs(counts, &names),
                shown: None,
            };
            section = section.with(Block::More(
                format!("The full confusion of {} classes", counts.len()),
                vec![pairs.into(), full(counts, &names).into()],
            ));
        } else {
            let chart = heat("Confusion", counts, names, "class", note);
            section = section.with(Figure::lead("confusion", chart));
        }
    }
    section
}

/// Quantiles of the margins of each class, the hardest first where there are many.
fn margins(taken: &Taken, samples: &Samples, named: &Named, note: &str) -> Option<Chart> {
    let many = taken.classes > MOST;
    let (mut rows, what) = match &samples.super_classes {
        Some(of) if many => {
            let n = of.iter().max().map_or(0, |most| most + 1);
            let rows = samples.quantiles(n, |label| of[label]).into_iter();
            (rows.map(|(i, n, q)| (named.super_class(i), n, q)).collect::<Vec<_>>(), "super-class")
        }
        Some(_) | None => {
            let rows = samples.quantiles(taken.classes, |label| label).into_iter();
            (rows.map(|(i, n, q)| (named.class(i), n, q)).collect(), "class")
        }
    };
    let all = rows.len();
    let hardest = rows.iter().min_by(|a, b| a.2[3].total_cmp(&b.2[3]))?.0.clone();
    let easiest = rows.iter().max_by(|a, b| a.2[3].total_cmp(&b.2[3]))?.0.clone();
    let mut note = format!(
        "{note} Dots: quantiles at {}; the large one is the median.",
        LEVELS.map(|level| percent(Some(level))).join(", ")
    );
    if rows.len() > MOST {
        rows.sort_by(|a, b| a.2[3].total_cmp(&b.2[3]));
        rows.truncate(MOST);
        note = format!("{note} The {MOST} of {all} classes with the smallest medians.");
    }
    let groups = rows.into_iter().map(|(name, n, at)| Group {
        name,
        slot: Slot(0),
        values: at.to_vec(),
        summary: Some((
            Estimate { x: 0.0, y: at[3], interval: Some((at[2], at[4])) },
            Spread { meaning: Meaning::Quantiles(0.25, 0.75), n: if all == 1 { n } else { 0 } },
        )),
    });
    let finding = format!("The median margin is smallest for {hardest} and largest for {easiest}.");
    let plot = Strip::new(Axis::new("margin (logit difference)"), groups.collect());
    Some(Chart::new(format!("Margins by {what}"), finding, note, plot))
}

/// Shares of each true class.
fn heat(title: &str, counts: &[Vec<u64>], names: Vec<String>, what: &str, note: &str) -> Chart {
    let values: Vec<Vec<f64>> = counts
        .iter()
        .map(|row| {
            let n: u64 = row.iter().sum();
            let share = |count: &u64| if n == 0 { f64::NAN } else { *count as f64 / n as f64 };
            row.iter().map(share).collect()
        })
        .collect();
    let off = values.iter().enumerate().flat_map(|(i, row)| {
        row.iter()
            .enumerate()
            .filter(move |(j, v)| *j != i && **v > 0.0)
            .map(move |(j, v)| (i, j, *v))
    });
    let worst = off.max_by(|a, b| a.2.total_cmp(&b.2));
    let finding = worst.map_or("No sample is taken for another class.".to_owned(), |(i, j, v)| {
        format!(
            "Most often {} is taken for {}: {} of its samples.",
            names[i],
            names[j],
            percent(Some(v))
        )
    });
    let note = format!("{note} Shares of the samples of each true {what}.");
    let measure = Axis::new(format!("share of the true {what}")).percent().range(0.0, 1.0);
    let plot = Heat::new(
        Categories::new(format!("true {what}"), names.clone()),
        Categories::new(format!("predicted {what}"), names),
        measure,
        Shade::Root,
        values,
    );
    Chart::new(title, finding, note, plot)
}

/// What is taken for what, the most frequent first.
fn pairs(counts: &[Vec<u64>], names: &[String]) -> Table {
    let mut found: Vec<(u64, usize, usize, u64)> = vec![];
    for (i, row) in counts.iter().enumerate() {
        let n: u64 = row.iter().sum();
        let off = row.iter().enumerate().filter(|(j, count)| *j != i && **count > 0);
        found.extend(off.map(|(j, count)| (*count, i, j, n)));
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let row = |(count, i, j, n): &(u64, usize, usize, u64)| {
        vec![
            Cell::Text(names[*i].clone()),
            Cell::Text(names[*j].clone()),
            Cell::Number(*count as f64),
            Cell::Number(*count as f64 / *n as f64),
        ]
    };
    Table {
        headings: ["true class", "predicted class", "samples", "share of the class"]
            .map(str::to_owned)
            .to_vec(),
        rows: found.iter().take(PAIRS).map(row).collect(),
    }
}

/// Every class against every other one.
fn full(counts: &[Vec<u64>], names: &[String]) -> LabelledTable {
    let headings = std::iter::once("true class".to_owned()).chain(names.iter().cloned());
    let row = |(name, row): (&String, &Vec<u64>)| {
        let cell =
            |count: &u64| if *count == 0 { Cell::Empty } else { Cell::Number(*count as f64) };
        std::iter::once(Cell::Text(name.clone())).chain(row.iter().map(cell)).collect()
    };
    LabelledTable {
        id: "full-confusion".to_owned(),
        title: "Samples by true class (row) and predicted class (column)".to_owned(),
        table: Table {
            headings: headings.collect(),
            rows: names.iter().zip(counts).map(row).collect(),
        },
        shown: None,
    }
}

/// Accuracy of each class in each group, where there are few classes and one facet.
pub(super) fn of_groups(facets: &[Facet], split: Split, named: &Named, note: &str) -> Section {
    let section = Section::new("classes", "Classes", "");
    let [facet] = facets else { return section };
    let classes: Option<usize> =
        facet.groups.iter().flat_map(|g| &g.members).filter_map(split).map(|t| t.classes).max();
    let Some(classes) = classes.filter(|classes| *classes <= MOST && facet.groups.len() <= 4)
    else {
        return section;
    };
    let mut most = 0;
    let groups: Vec<BarGroup> = facet
        .groups
        .iter()
        .map(|group| {
            let value = |class: usize| {
                let runs = group.members.iter().filter_map(split);
                let of = |taken: &Taken| {
                    taken.per_class.iter().find(|(label, ..)| *label == class).map(|(_, _, a)| *a)
                };
                let sample = Sample::of(&runs.filter_map(of).collect::<Vec<_>>());
                most = most.max(sample.n);
                let interval = sample.deviation().map(|sd| (sample.mean - sd, sample.mean + sd));
                (sample.mean, interval)
            };
            let values = (0..classes).map(value).collect();
            BarGroup { label: group.label.clone(), slot: group.slot, values }
        })
        .collect();
    let names = (0..classes).map(|class| named.class(class)).collect();
    let spread = (most > 1).then_some(Spread { meaning: Meaning::Deviation, n: most });
    let plot = Bars::new(Axis::new("accuracy of the class").percent(), names, groups, spread);
    let n: usize = facet.groups.first().map_or(0, |group| {
        group.members.iter().filter_map(split).map(|taken| taken.n).next().unwrap_or(0)
    });
    let note = format!("{note} {} samples.", thousands(n));
    section.with(Figure::lead("class-accuracy", Chart::new("Accuracy by class", "", note, plot)))
}
