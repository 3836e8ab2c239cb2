//! The difference of two groups of runs: paired where both have the same seeds, else Welch's.

use super::sample::Sample;
use super::student::{Interval, two_sided};

/// How the runs of two groups belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Groups<'a> {
    /// Differences left − right, seed by seed.
    Paired(&'a [f64]),
    /// The numbers of the left and of the right group.
    Apart(&'a [f64], &'a [f64]),
}

/// A difference of means, left − right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub mean: f64,
    /// Its standard error; `None` where a group has less than two runs.
    pub error: Option<f64>,
    /// Degrees of freedom: n − 1 of pairs, Welch's and Satterthwaite's of groups; `None` without a spread.
    pub freedom: Option<f64>,
}

impl Difference {
    /// **What** the mean difference with its standard error and degrees of freedom.
    ///
    /// **Source** Welch, Biometrika 34 (1947), 28: ν = (a + b)² / (a² / (n − 1) + b² / (m − 1)) with a, b the squared
    /// standard errors of both means.
    pub fn of(groups: Groups<'_>) -> Self {
        match groups {
            Groups::Paired(differences) => {
                let sample = Sample::of(differences);
                let square = sample.variance.map(|variance| variance / sample.n as f64);
                Self::new(sample.mean, square, sample.n.checked_sub(1).map(|n| n as f64))
            }
            Groups::Apart(left, right) => {
                let (a, b) = (Sample::of(left), Sample::of(right));
                let mean = a.mean - b.mean;
                let Some((x, y)) = a.variance.zip(b.variance) else {
                    return Self { mean, error: None, freedom: None };
                };
                let (x, y) = (x / a.n as f64, y / b.n as f64);
                let parts = x * x / (a.n - 1) as f64 + y * y / (b.n - 1) as f64;
                Self::new(mean, Some(x + y), Some((x + y) * (x + y) / parts))
            }
        }
    }

    fn new(mean: f64, square: Option<f64>, freedom: Option<f64>) -> Self {
        let freedom = freedom.filter(|freedom| square > Some(0.0) && *freedom > 0.0);
        Self { mean, error: square.map(f64::sqrt), freedom }
    }

    /// Student's two-sided interval; a point where there is no spread, `None` where none can be told from single runs.
    pub fn interval(&self, level: f64) -> Option<Interval> {
        Some(Interval::around(self.mean, self.error?, self.freedom.unwrap_or(1.0), level))
    }

    /// Student's two-sided p of a true difference `margin`; `None` without a spread.
    pub fn p(&self, margin: f64) -> Option<f64> {
        Some(two_sided((self.mean - margin) / self.error?, self.freedom?))
    }
}
