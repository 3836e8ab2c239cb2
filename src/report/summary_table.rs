//! The measures of one or more splits as tables for a terminal.
//!
//! In: summaries and a width in columns. Out: plain text without colour, a newline at its end.

use crate::grid::Grid;
use crate::measure::{Distribution, Masses, SplitSummary, chance_curve};
use crate::store::Best;

/// The tables shown after training: train beside test, with the samples between that are held out to choose by.
///
/// `width` is the number of columns of the terminal; cells wrap where it is too small.
pub fn summary_table(
    train: &SplitSummary,
    val: Option<&SplitSummary>,
    test: &SplitSummary,
    width: u16,
) -> String {
    let val = val.map(|val| ("val", val));
    let columns: Vec<_> =
        [("train", train)].into_iter().chain(val).chain([("test", test)]).collect();
    split_table(&columns, width)
}

/// The best epoch in a sentence, and whether training ended for want of a better one.
pub fn best_line(best: &Best, stopped_early: bool) -> String {
    let Best { measure, value, epoch, step, test, .. } = best;
    let (value, accuracy) = (number(*value), fraction(test.accuracy));
    let ended = if stopped_early { "; no later one was better, so training ended" } else { "" };
    format!(
        "best epoch {epoch} (step {step}): {measure} {value}, test accuracy {accuracy}{ended}; its weights: `--at best`"
    )
}

/// The same for any splits under the names given.
///
/// A value that depends on how ties count is shown as `lower..upper`. The column `chance` is what
/// a network that knows nothing scores: 1/K, k/K for top-k, and for close-enough accuracy the
/// curve that reaches 1 at a = 1/K. It is left out where splits differ in their classes.
pub fn split_table(columns: &[(&str, &SplitSummary)], width: u16) -> String {
    let mut parts = vec![headline(columns, width)];
    parts.extend(margins(columns, width));
    parts.extend(masses(columns, width));
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

/// A number with four significant digits, more before the point where it is large.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => return "0".to_owned(),
        _ if !(1e-3..1e6).contains(&size) => return format!("{value:.3e}"),
        _ if size < 1e-2 => 6,
        _ if size < 0.1 => 5,
        _ if size < 1.0 => 4,
        _ if size < 10.0 => 3,
        _ if size < 100.0 => 2,
        _ => 1,
    };
    format!("{value:.decimals$}")
}

/// Loss, accuracies, top-k and close-enough, a row each.
fn headline(columns: &[(&str, &SplitSummary)], width: u16) -> String {
    let classes = shared_classes(columns);
    let names = columns.iter().map(|(name, _)| (*name).to_owned());
    let mut grid = Grid::new(width, "", names.chain(classes.map(|_| "chance".to_owned())));
    let mut row = |label: &str, cell: &dyn Fn(&SplitSummary) -> String, chance: Option<f64>| {
        let cells: Vec<String> = columns.iter().map(|(_, summary)| cell(summary)).collect();
        if cells.iter().any(|text| !text.is_empty()) {
            let chance = classes.map(|_| chance.map_or_else(String::new, fraction));
            grid.row(label, cells.into_iter().chain(chance));
        }
    };
    let guess = classes.map(|classes| 1.0 / classes as f64);
    row("samples", &|split| split.n.to_string(), None);
    row("loss", &|split| optional(split.loss, number), None);
    row("accuracy", &|split| bounds(split.accuracy, split.accuracy_upper), guess);
    row("average accuracy", &|split| optional(split.average_accuracy, fraction), guess);
    row("super-class accuracy", &|split| optional(split.super_class_accuracy, fraction), None);
    for key in keys(columns, |split| split.top_k.iter().map(|(key, _)| key).collect()) {
        if key == "1" {
            continue;
        }
        let chance =
            classes.zip(key.parse::<f64>().ok()).map(|(classes, k)| (k / classes as f64).min(1.0));
        let cell = |split: &SplitSummary| {
            let at = |values: &crate::measure::Keyed<_>| values.get(key).copied().flatten();
            bounds(at(&split.top_k), at(&split.top_k_upper))
        };
        row(&format!("top-{key}"), &cell, chance);
    }
    for key in keys(columns, |split| split.close_enough.iter().map(|(key, _)| key).collect()) {
        let chance = classes
            .zip(key.parse::<f64>().ok())
            .and_then(|(classes, a)| chance_curve(classes, &[a]).first().copied());
        let cell = |split: &SplitSummary| {
            optional(split.close_enough.get(key).copied().flatten(), fraction)
        };
        row(&format!("close-enough a={key}"), &cell, chance);
    }
    row("probabilities at scale", &|split| optional(split.probability_scale, number), None);
    grid.text()
}

/// Mean and quantiles of the margin and the normalised margin, a row for each level.
fn margins(columns: &[(&str, &SplitSummary)], width: u16) -> Option<String> {
    let mut distributions: Vec<(String, &Distribution)> = vec![];
    for (name, split) in columns {
        distributions.push((format!("{name} m"), &split.margin));
        let normalized = split.normalized_margin.as_ref();
        distributions.extend(normalized.map(|it| (format!("{name} m/R"), it)));
    }
    distributions.retain(|(_, distribution)| distribution.mean.is_some());
    let (_, first) = distributions.first()?;
    let mut grid = Grid::new(width, "margin", distributions.iter().map(|(name, _)| name.clone()));
    grid.row("mean", distributions.iter().map(|(_, it)| optional(it.mean, number)));
    for (level, _) in first.quantiles.iter() {
        let at = |it: &Distribution| it.quantiles.get(level).copied().flatten();
        let cells = distributions.iter().map(|(_, it)| optional(at(it), number));
        grid.row(&format!("quantile {level}"), cells);
    }
    Some(grid.text())
}

/// Masses of well, marginally and poorly classified samples, a row for each μ.
fn masses(columns: &[(&str, &SplitSummary)], width: u16) -> Option<String> {
    let columns: Vec<(&str, &[Masses])> = columns
        .iter()
        .filter_map(|(name, split)| Some((*name, split.masses.as_deref()?)))
        .filter(|(_, masses)| !masses.is_empty())
        .collect();
    let (_, first) = columns.first()?;
    let kinds = ["well", "marginal", "poor"];
    let names = columns.iter().flat_map(|(name, _)| kinds.map(|kind| format!("{name} {kind}")));
    let mut grid = Grid::new(width, "masses of m/R", names);
    for (idx, mass) in first.iter().enumerate() {
        let cells = columns.iter().flat_map(|(_, masses)| {
            let at = masses.get(idx);
            [at.and_then(|it| it.well), at.and_then(|it| it.marginal), at.and_then(|it| it.poor)]
        });
        grid.row(&format!("mu={}", mass.mu), cells.map(|value| optional(value, fraction)));
    }
    Some(grid.text())
}

/// The number of classes, if all splits agree.
fn shared_classes(columns: &[(&str, &SplitSummary)]) -> Option<usize> {
    let (_, first) = columns.first()?;
    columns.iter().all(|(_, split)| split.classes == first.classes).then_some(first.classes)
}

/// The keys of all splits, each once, in the order of their first appearance.
fn keys<'a>(
    columns: &[(&str, &'a SplitSummary)],
    of: impl Fn(&'a SplitSummary) -> Vec<&'a str>,
) -> Vec<&'a str> {
    let mut all = vec![];
    for key in columns.iter().flat_map(|(_, split)| of(split)) {
        if !all.contains(&key) {
            all.push(key);
        }
    }
    all
}

fn fraction(value: f64) -> String {
    format!("{value:.4}")
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(String::new, show)
}

/// `lower..upper`, or one number where both agree.
fn bounds(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) if lower.to_bits() != upper.to_bits() => {
            format!("{}..{}", fraction(lower), fraction(upper))
        }
        (lower, upper) => optional(lower.or(upper), fraction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Logits, Request, Scalars, summarize};

    fn summary(size: Option<f64>) -> SplitSummary {
        let values = vec![2.0, 1.0, 0.0, 0.0, 3.0, 3.0, 0.5, 0.25, -1.0, 0.0, 0.0, -4.0];
        let scalars = Scalars { size, ..Scalars::default() };
        let logits = Logits::new(values, 4, &[0, 1, 2]).unwrap().with_scalars(scalars).unwrap();
        summarize(&logits, Some(1.25), 1.0, &Request::standard(4))
    }

    #[test]
    fn train_and_test_fit_eighty_columns() {
        let (train, test) = (summary(Some(123.0)), summary(Some(123.0)));
        let text = summary_table(&train, None, &test, 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("chance") && text.contains("close-enough a=0.05"), "{text}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_does_not_apply_is_left_out() {
        let text = split_table(&[("test", &summary(None))], 80);
        assert!(!text.contains("m/R") && !text.contains("super-class"), "{text}");
        let empty = Logits::new(vec![], 1, &[]).unwrap();
        let empty = summarize(&empty, None, 1.0, &Request::standard(1));
        assert!(split_table(&[("test", &empty)], 5).contains('0'));
    }

    #[test]
    fn numbers_keep_four_digits() {
        let found = [0.0, 1.23456e-5, -0.012_349, 12.3456, 4233.04, 1.5e9].map(number);
        assert_eq!(found, ["0", "1.235e-5", "-0.01235", "12.35", "4233.0", "1.500e9"]);
    }
}
