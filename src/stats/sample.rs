//! Mean, deviation and correlation of numbers.

/// What a list of numbers is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many.
    pub n: usize,
    /// Their mean; NaN of none.
    pub mean: f64,
    /// Σ (x − mean)² / (n − 1); `None` below two numbers.
    pub variance: Option<f64>,
}

impl Sample {
    /// Two passes, so that a small spread about a large mean is not lost.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = mean(values);
        let squares = || values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        // Equal numbers have no spread, though their mean may be rounded.
        let equal = values.windows(2).all(|pair| pair[0] == pair[1]);
        let variance = (n > 1).then(|| if equal { 0.0 } else { squares() / (n - 1) as f64 });
        Self { n, mean, variance }
    }

    /// The standard deviation; `None` below two numbers.
    pub fn deviation(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }
}

/// The mean; exactly the number where all are equal.
pub(super) fn mean(values: &[f64]) -> f64 {
    match values {
        [first, rest @ ..] if rest.iter().all(|x| x == first) => *first,
        _ => values.iter().sum::<f64>() / values.len() as f64,
    }
}

/// Pearson's correlation of pairs; `None` where one side has no spread or there are less than two pairs.
///
/// # Panics
/// When the sides differ in length.
pub fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    assert_eq!(left.len(), right.len(), "pairs have two sides");
    let (a, b) = (Sample::of(left), Sample::of(right));
    let spread = (a.variance? * b.variance?).sqrt();
    if spread == 0.0 {
        return None;
    }
    let products = left.iter().zip(right).map(|(x, y)| (x - a.mean) * (y - b.mean));
    let covariance = products.sum::<f64>() / (a.n - 1) as f64;
    Some((covariance / spread).clamp(-1.0, 1.0))
}
