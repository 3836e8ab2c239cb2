//! The numbers of `summary.json`: those that stand out, and all of them in a table.

use super::calibration::ece;
use super::material::Member;
use super::words::{count, number, percent, thousands};
use crate::chart::{Cell, Table};
use crate::measure::{Distribution, SplitSummary, chance_curve};
use crate::report::page::{Block, Fact, LabelledTable, Section, Tone};
use crate::train::Summary;

/// The section of one run or of one file of logits.
pub(super) fn section(member: &Member) -> Section {
    let mut section = Section::new("results", "Results", "");
    let Some(summary) = member.summary() else {
        if member.row.is_none() && member.test.is_some() {
            section = section.with(Block::Facts(of_file(member)));
        }
        return section;
    };
    for warning in &summary.warnings {
        section = section.with(Block::Note(Tone::Warning, warning.message.clone()));
    }
    section = section.with(Block::Facts(facts(member, summary)));
    let tables = tables(summary);
    let some = tables.into_iter().filter(|(.., table)| !table.rows.is_empty());
    some.fold(section, |s, (id, title, table)| s.with(LabelledTable::new(id, title, table)))
}

fn facts(member: &Member, summary: &Summary) -> Vec<Fact> {
    let fact =
        |name: &str, value: String, about: String| Fact { name: name.to_owned(), value, about };
    let test = &summary.test;
    let close = test.close_enough.get("0.05").copied().flatten();
    let chance = chance_curve(test.classes, &[0.05]).first().copied();
    let mut facts = vec![
        fact("Test accuracy", percent(test.accuracy), format!("of {} samples", thousands(test.n))),
        fact("Training accuracy", percent(summary.train.accuracy), String::new()),
        fact("Close enough, a = 0.05", percent(close), format!("chance {}", percent(chance))),
        fact("Test loss", number(test.loss), format!("training {}", number(summary.train.loss))),
    ];
    if let Some(taken) = &member.test {
        facts.push(fact("Calibration error", ece(&taken.calibration), "ECE, 15 bins".to_owned()));
    }
    if let Some(size) = summary.size {
        facts.push(fact("R", number(Some(size)), "size of the parameters".to_owned()));
    }
    facts.push(fact("Parameters", thousands(summary.params as usize), String::new()));
    let steps = count(summary.steps as usize, "step");
    facts.push(fact("Epochs", thousands(summary.epochs as usize), steps));
    facts
}

fn of_file(member: &Member) -> Vec<Fact> {
    let Some(taken) = &member.test else { return vec![] };
    let fact = |name: &str, value: String, about: &str| Fact {
        name: name.to_owned(),
        value,
        about: about.to_owned(),
    };
    let right = (taken.n > 0).then(|| (taken.n - taken.wrong) as f64 / taken.n as f64);
    vec![
        fact("Accuracy", percent(right), &format!("of {} samples", thousands(taken.n))),
        fact("Close enough, a = 0.05", percent(taken.close.get(5).copied()), ""),
        fact("Calibration error", ece(&taken.calibration), "ECE, 15 bins"),
        fact("Classes", thousands(taken.classes), ""),
        fact("Scale of probabilities", number(Some(taken.scale)), "r1 / R where both are known"),
    ]
}

/// A distribution of a split.
type Spread = fn(&SplitSummary) -> Option<&Distribution>;

/// Rows for each measure that applies, training beside test: headline, margins, masses.
fn tables(summary: &Summary) -> [(&'static str, &'static str, Table); 3] {
    let test = &summary.test;
    let mut shares = Rows::new(summary);
    shares.add("samples", |s| Some(s.n as f64));
    shares.add("loss", |s| s.loss);
    shares.add("accuracy", |s| s.accuracy);
    shares.add("accuracy, ties counted", |s| s.accuracy_upper);
    shares.add("average accuracy of the classes", |s| s.average_accuracy);
    shares.add("super-class accuracy", |s| s.super_class_accuracy);
    for (k, _) in test.top_k.iter() {
        shares.add(&format!("top-{k}"), |s| s.top_k.get(k).copied().flatten());
    }
    for (a, _) in test.close_enough.iter() {
        let at = |s: &SplitSummary| s.close_enough.get(a).copied().flatten();
        shares.add(&format!("close enough, a = {a}"), at);
    }
    shares.add("scale of probabilities", |s| s.probability_scale);
    let mut margins = Rows::new(summary);
    let distributions: [(&str, Spread); 2] =
        [("margin", |s| Some(&s.margin)), ("m / R", |s| s.normalized_margin.as_ref())];
    for (name, of) in distributions {
        margins.add(&format!("{name}, mean"), |s| of(s)?.mean);
        for (level, _) in test.margin.quantiles.iter() {
            let at = |s: &SplitSummary| of(s)?.quantiles.get(level).copied().flatten();
            margins.add(&format!("{name}, quantile {level}"), at);
        }
    }
    let mut masses = Rows::new(summary);
    for (i, mass) in test.masses.iter().flatten().enumerate() {
        let mu = mass.mu;
        masses.add(&format!("well, μ = {mu}"), |s| s.masses.as_ref()?.get(i)?.well);
        masses.add(&format!("marginal, μ = {mu}"), |s| s.masses.as_ref()?.get(i)?.marginal);
        masses.add(&format!("poor, μ = {mu}"), |s| s.masses.as_ref()?.get(i)?.poor);
    }
    [
        ("summary", "Measures", shares.table()),
        ("margins", "Margins", margins.table()),
        ("masses", "Masses of the normalised margin", masses.table()),
    ]
}

/// Rows of a table of all splits.
struct Rows<'a> {
    splits: Vec<(&'static str, &'a SplitSummary)>,
    rows: Vec<Vec<Cell>>,
}

impl<'a> Rows<'a> {
    fn new(summary: &'a Summary) -> Self {
        let Summary { train, val, test, .. } = summary;
        let val = val.as_ref().map(|val| ("held out", val));
        let splits = [("training", train)].into_iter().chain(val).chain([("test", test)]);
        Self { splits: splits.collect(), rows: vec![] }
    }

    /// A row, where one of the splits has the measure.
    fn add(&mut self, name: &str, of: impl Fn(&SplitSummary) -> Option<f64>) {
        let values: Vec<Option<f64>> = self.splits.iter().map(|(_, split)| of(split)).collect();
        if values.iter().any(Option::is_some) {
            let cells = values.into_iter().map(|value| value.map_or(Cell::Empty, Cell::Number));
            self.rows.push([Cell::Text(name.to_owned())].into_iter().chain(cells).collect());
        }
    }

    fn table(self) -> Table {
        let names = self.splits.iter().map(|(name, _)| (*name).to_owned());
        let headings = ["measure".to_owned()].into_iter().chain(names).collect();
        Table { headings, rows: self.rows }
    }
}
