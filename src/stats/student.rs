//! Student's t distribution and the intervals that rest on it.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// `centre` plus and minus the quantile of level `level` with so many degrees of freedom times the standard error.
    ///
    /// A standard error of 0 gives a single point, whatever the degrees of freedom.
    pub fn around(centre: f64, error: f64, freedom: f64, level: f64) -> Self {
        let half =
            if error == 0.0 { 0.0 } else { error * quantile(f64::midpoint(1.0, level), freedom) };
        Self { low: centre - half, high: centre + half }
    }
}

/// Where Student's distribution reaches the probability `p`.
///
/// # Panics
/// When `p` is not between 0 and 1, or `freedom` not positive: callers choose both.
pub fn quantile(p: f64, freedom: f64) -> f64 {
    assert!((0.0..=1.0).contains(&p), "a probability");
    distribution(freedom).inverse_cdf(p)
}

/// The probability of a t at least as far from 0.
///
/// # Panics
/// When `freedom` is not positive.
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() { 0.0 } else { (2.0 * distribution(freedom).sf(t.abs())).min(1.0) }
}

fn distribution(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive")
}
