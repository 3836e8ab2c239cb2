//! What a caption says by itself: what bands mean and over how many values, and what could not be drawn.

use std::fmt::Write as _;

use super::number::short;
use super::series::{Meaning, Spread};

/// What a plot tells about its marks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Remarks {
    /// The mark (`Band`, `Bar`) and what it means, each once in the order of the series.
    pub(super) spreads: Vec<(&'static str, Spread)>,
    /// The most single runs of a series that are drawn as faint lines, and that there are.
    pub(super) faint: (usize, usize),
    /// Values that are not finite, or not positive on a logarithmic axis.
    pub(super) gaps: usize,
    /// Values outside a given range.
    pub(super) outside: usize,
}

impl Remarks {
    pub(super) fn add(&mut self, mark: &'static str, spread: Spread) {
        if !self.spreads.contains(&(mark, spread)) {
            self.spreads.push((mark, spread));
        }
    }

    /// As sentences.
    pub(super) fn text(&self) -> String {
        let mut groups: Vec<(&str, Meaning, Vec<usize>)> = vec![];
        for (mark, Spread { meaning, n }) in &self.spreads {
            match groups.iter_mut().find(|group| group.0 == *mark && group.1 == *meaning) {
                Some(group) => group.2.push(*n),
                None => groups.push((mark, *meaning, vec![*n])),
            }
        }
        let mut out: Vec<String> = groups
            .iter()
            .map(|(mark, meaning, n)| format!("{mark}: {}{}.", meaning.text(), counts(n)))
            .collect();
        match self.faint {
            (_, 0) => {}
            (shown, all) if shown < all => {
                out.push(format!("Faint lines: {shown} of {all} single runs."));
            }
            _ => out.push("Faint lines: single runs.".to_owned()),
        }
        if self.gaps > 0 {
            let (are, values) = plural(self.gaps);
            out.push(format!("{values} {are} not finite or cannot be drawn and left out."));
        }
        if self.outside > 0 {
            let (are, values) = plural(self.outside);
            out.push(format!("{values} {are} outside the axes."));
        }
        out.join(" ")
    }
}

impl Meaning {
    /// `mean ± standard deviation`.
    pub(super) fn text(self) -> String {
        match self {
            Self::Deviation => "mean ± standard deviation".to_owned(),
            Self::Confidence(level) => {
                format!("{} % confidence interval of the mean", short(level * 100.0, 3))
            }
            Self::Range => "smallest to largest value".to_owned(),
            Self::Quantiles(low, high) => {
                let percent = |level: f64| short(level * 100.0, 3);
                format!("{} % to {} % quantile", percent(low), percent(high))
            }
            Self::Reading => "error of reading the value off a figure".to_owned(),
        }
    }
}

fn counts(n: &[usize]) -> String {
    let (low, high) = (n.iter().min().copied().unwrap_or(0), n.iter().max().copied().unwrap_or(0));
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match (low, high) {
        (_, 0) => Ok(()),
        (low, high) if low == high => write!(out, ", n\u{a0}=\u{a0}{low}"),
        (low, high) => write!(out, ", n\u{a0}=\u{a0}{low} to {high}"),
    };
    out
}

fn plural(n: usize) -> (&'static str, String) {
    if n == 1 { ("is", "1 value".to_owned()) } else { ("are", format!("{n} values")) }
}

#[cfg(test)]
mod tests {
    use super::{Meaning, Remarks, Spread};

    #[test]
    fn spreads_are_told_once_with_their_counts() {
        let mut remarks = Remarks { gaps: 1, outside: 2, ..Remarks::default() };
        remarks.add("Band", Spread { meaning: Meaning::Deviation, n: 9 });
        remarks.add("Band", Spread { meaning: Meaning::Deviation, n: 10 });
        remarks.add("Bar", Spread { meaning: Meaning::Reading, n: 0 });
        assert_eq!(
            remarks.text(),
            "Band: mean ± standard deviation, n\u{a0}=\u{a0}9 to 10. Bar: error of reading the value off a figure. \
             1 value is not finite or cannot be drawn and left out. 2 values are outside the axes."
        );
    }
}
