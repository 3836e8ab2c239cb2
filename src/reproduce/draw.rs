//! What is drawn of the runs of a figure: means over seeds with bands, and the paper's values as points.

use std::collections::BTreeMap;

use super::gaps::{Read, read};
use super::{Figure, Losses, Made, Shown};
use crate::chart::{Axis, Chart, Estimate, Meaning, Palette, Panel, Rule, Series, Spread, edges};
use crate::measure::{Logits, Probabilities, SuperClasses, chance_curve, margins, top_k};
use crate::stats::Sample;
use crate::store::StoreError;
use crate::study::stored_logits;
use crate::train::{Record, StoredRun};

/// Tolerances of the curves.
const TOLERANCES: [f64; 21] = [
    0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.055, 0.06, 0.065, 0.07,
    0.075, 0.08, 0.085, 0.09, 0.095, 0.1,
];

/// The k of top-k.
const RANKS: [usize; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// Columns of a histogram.
const COLUMNS: usize = 30;

/// A curve of a run: y by x, where x is ordered by its place.
type Curve = Vec<(f64, f64)>;

/// The charts of a figure; none where no run is finished.
///
/// # Errors
/// [`StoreError`] when a run cannot be read.
pub fn charts(figure: &Figure, losses: &[Losses], note: &str) -> Result<Vec<Chart>, StoreError> {
    let Made::Here { shown, .. } = figure.made else { return Ok(vec![]) };
    let drawing = Drawing { figure, losses, note };
    Ok(match shown {
        Shown::Accuracy => {
            vec![drawing.accuracy("train")?, drawing.accuracy("test")?]
        }
        Shown::Steps => vec![drawing.steps()?],
        Shown::CloseEnough => vec![drawing.close_enough("test")?, drawing.close_enough("train")?],
        Shown::SuperClasses => vec![drawing.super_classes(true)?, drawing.super_classes(false)?],
        Shown::TopK => vec![drawing.top_k("test")?, drawing.top_k("train")?],
        Shown::MaxProbability => {
            vec![drawing.histogram("largest probability", &|p, _| p.max.clone())?]
        }
        Shown::LabelProbability => {
            vec![drawing.histogram("probability of the correct class", &|p, _| p.label.clone())?]
        }
        Shown::Confidence => vec![drawing.histogram("δp of misclassified samples", &|p, m| {
            let wrong = p.delta.iter().zip(m).filter(|(_, margin)| **margin <= 0.0);
            wrong.map(|(delta, _)| *delta).collect()
        })?],
    })
}

struct Drawing<'a> {
    figure: &'a Figure,
    losses: &'a [Losses],
    note: &'a str,
}

impl Drawing<'_> {
    /// Mean and standard deviation over seeds of a curve of each run, and the paper's values over it.
    fn curves(
        &self,
        mut panel: Panel,
        of_run: &dyn Fn(&StoredRun) -> Result<Curve, StoreError>,
        at: &dyn Fn(&Read) -> Option<f64>,
    ) -> Result<(Panel, Vec<(String, f64)>), StoreError> {
        let palette = Palette::new(self.losses.iter().map(|loss| loss.label.clone()));
        let mut ends = vec![];
        for loss in self.losses {
            let curves = loss.runs.iter().map(of_run).collect::<Result<Vec<Curve>, _>>()?;
            let points = over_seeds(&curves);
            if let Some(last) = points.last() {
                ends.push((loss.label.clone(), last.y));
            }
            let spread = Spread { meaning: Meaning::Deviation, n: curves.len() };
            let slot = palette.slot(&loss.label);
            panel = panel.with(Series::band(loss.label.clone(), slot, points, spread).over(curves));
            let from_paper: Vec<Estimate> = read(self.figure)
                .iter()
                .filter(|read| read.label == loss.label)
                .filter_map(|read| {
                    let interval = Some((read.value - read.error, read.value + read.error));
                    Some(Estimate { x: at(read)?, y: read.value, interval })
                })
                .collect();
            if !from_paper.is_empty() {
                let spread = Spread { meaning: Meaning::Reading, n: 0 };
                let label = format!("{}, paper", loss.label);
                panel = panel.with(Series::points(label, slot, from_paper, spread));
            }
        }
        Ok((panel, ends))
    }

    fn chart(&self, what: &str, (panel, ends): (Panel, Vec<(String, f64)>)) -> Chart {
        let title = format!("Figure {}. {what}", self.figure.number.trim_start_matches('0'));
        let finding = match ends.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((label, value)) if ends.len() > 1 => {
                format!("At the right end `{label}` is highest: {value:.3}.")
            }
            _ => "No run is finished yet.".to_owned(),
        };
        Chart::new(title, finding, self.note, panel)
    }

    fn accuracy(&self, split: &'static str) -> Result<Chart, StoreError> {
        let name = if split == "train" { "training set, running" } else { "test set" };
        let panel = Panel::new(Axis::new("epoch").count(), Axis::new("accuracy").percent());
        let of_run = |run: &StoredRun| {
            let epochs = run.epochs()?;
            let whole = epochs.iter().filter(|epoch| !epoch.partial);
            let value = |epoch: &crate::train::EpochRecord| {
                if split == "train" { epoch.train.accuracy } else { epoch.test.accuracy }
            };
            Ok(whole.map(|epoch| (epoch.epoch as f64, value(epoch))).collect())
        };
        let at = |read: &Read| {
            let is_own = read.measure.to_string().starts_with(split);
            read.measure.epoch().filter(|_| is_own).map(|epoch| epoch as f64)
        };
        let found = self.curves(panel, &of_run, &at)?;
        Ok(self.chart(&format!("Accuracy, {name}"), found))
    }

    fn steps(&self) -> Result<Chart, StoreError> {
        let panel = Panel::new(Axis::new("step").count(), Axis::new("batch accuracy").percent());
        let of_run = |run: &StoredRun| {
            let step = |record| match record {
                Record::Step(step) => Some((step.step as f64, step.accuracy)),
                Record::Epoch(_) | Record::Scaling(_) => None,
            };
            Ok(run.records()?.into_iter().filter_map(step).collect())
        };
        let found = self.curves(panel, &of_run, &|_| None)?;
        Ok(self.chart("Accuracy of the batches", found))
    }

    fn close_enough(&self, split: &'static str) -> Result<Chart, StoreError> {
        let name = if split == "train" { "training set" } else { "test set" };
        let panel =
            Panel::new(Axis::new("a"), Axis::new("samples with p_label ≥ p_max − a").percent());
        let of_run = |run: &StoredRun| {
            let Some((logits, scale)) = stored_logits(run, split)? else { return Ok(vec![]) };
            let p = Probabilities::new(&logits, scale);
            let n = p.max.len().max(1) as f64;
            let close = |a: f64| {
                let close = p.label.iter().zip(&p.max).filter(|(label, max)| **label >= **max - a);
                close.count() as f64 / n
            };
            Ok(TOLERANCES.iter().map(|a| (*a, close(*a))).collect())
        };
        let at = |read: &Read| match read.measure.counted() {
            Some((own, crate::model::Counted::CloseEnough(a))) if own == split => Some(a),
            _ => None,
        };
        let (panel, ends) = self.curves(panel, &of_run, &at)?;
        Ok(self.chart(&format!("Close-enough accuracy, {name}"), (self.chance(panel), ends)))
    }

    /// With what a net that knows nothing reaches.
    fn chance(&self, panel: Panel) -> Panel {
        let summary = self.losses.iter().flat_map(|loss| &loss.runs).find_map(StoredRun::summary);
        let Some(classes) = summary.map(|summary| summary.test.classes) else { return panel };
        // Above 1/K every tolerance is met by equal probabilities.
        match chance_curve(classes, &[0.0]).first() {
            Some(chance) => panel.rule(Rule::across("chance at a = 0", *chance)),
            None => panel,
        }
    }

    fn super_classes(&self, best: bool) -> Result<Chart, StoreError> {
        let reading = if best { "best member" } else { "summed probability" };
        let panel = Panel::new(
            Axis::new("a"),
            Axis::new("test samples close enough to their super-class").percent(),
        );
        let of_run = |run: &StoredRun| {
            let Some((logits, scale)) = stored_logits(run, "test")? else { return Ok(vec![]) };
            let Some(groups) = SuperClasses::of(&logits) else { return Ok(vec![]) };
            let found = if best {
                groups.close_enough_best(scale, &TOLERANCES)
            } else {
                groups.close_enough_sum(scale, &TOLERANCES)
            };
            let points = TOLERANCES.iter().zip(found);
            Ok(points.filter_map(|(a, value)| Some((*a, value?))).collect())
        };
        let found = self.curves(panel, &of_run, &|_| None)?;
        Ok(self.chart(&format!("Close-enough on super-classes, {reading}"), found))
    }

    fn top_k(&self, split: &'static str) -> Result<Chart, StoreError> {
        let name = if split == "train" { "training set" } else { "test set" };
        let panel = Panel::new(Axis::new("k").count(), Axis::new("top-k accuracy").percent());
        let of_run = |run: &StoredRun| {
            let Some((logits, _)) = stored_logits(run, split)? else { return Ok(vec![]) };
            let found = top_k(&logits, &RANKS).pessimistic;
            let points = RANKS.iter().zip(found);
            Ok(points.filter_map(|(k, value)| Some((*k as f64, value?))).collect())
        };
        let found = self.curves(panel, &of_run, &|_| None)?;
        Ok(self.chart(&format!("Top-k accuracy, {name}"), found))
    }

    /// Test samples of all seeds together.
    fn histogram(
        &self,
        what: &str,
        of: &dyn Fn(&Probabilities, &[f64]) -> Vec<f64>,
    ) -> Result<Chart, StoreError> {
        let palette = Palette::new(self.losses.iter().map(|loss| loss.label.clone()));
        let mut all: Vec<(&str, Vec<f64>)> = vec![];
        for loss in self.losses {
            let mut values = vec![];
            for run in &loss.runs {
                if let Some((logits, scale)) = stored_logits(run, "test")? {
                    values.extend(of_logits(&logits, scale, of));
                }
            }
            all.push((&loss.label, values));
        }
        let groups: Vec<&[f64]> = all.iter().map(|(_, values)| values.as_slice()).collect();
        let edges = edges(&groups, COLUMNS);
        let mut panel =
            Panel::new(Axis::new(what), Axis::new("share of the test samples").percent());
        for (label, values) in &all {
            panel = panel.with(Series::histogram(*label, palette.slot(label), values, &edges));
        }
        let means: Vec<(String, f64)> = all
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(label, values)| ((*label).to_owned(), Sample::of(values).mean))
            .collect();
        let text: Vec<String> =
            means.iter().map(|(label, mean)| format!("`{label}` {mean:.3}")).collect();
        let finding = if text.is_empty() {
            "No run is finished yet.".to_owned()
        } else {
            format!("Means: {}.", text.join(", "))
        };
        let title =
            format!("Figure {}. {what}, test set", self.figure.number.trim_start_matches('0'));
        Ok(Chart::new(title, finding, self.note, panel))
    }
}

fn of_logits(
    logits: &Logits,
    scale: f64,
    of: &dyn Fn(&Probabilities, &[f64]) -> Vec<f64>,
) -> Vec<f64> {
    of(&Probabilities::new(logits, scale), &margins(logits))
}

/// Mean and standard deviation at every x that a curve has.
fn over_seeds(curves: &[Curve]) -> Vec<Estimate> {
    // By bits: no curve has a negative x.
    let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (x, y) in curves.iter().flatten() {
        at.entry(x.to_bits()).or_default().push(*y);
    }
    let estimate = |(x, values): (u64, Vec<f64>)| {
        let sample = Sample::of(&values);
        let interval = sample.deviation().map(|sd| (sample.mean - sd, sample.mean + sd));
        Estimate { x: f64::from_bits(x), y: sample.mean, interval }
    };
    at.into_iter().map(estimate).collect()
}
