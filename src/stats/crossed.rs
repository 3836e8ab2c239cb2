//! Seeds × images: how sure a mean is on new images too.

use super::sample::Sample;
use super::student::Interval;

/// Differences of every seed on every image, taken in row by row.
#[derive(Clone, Debug)]
pub struct Crossed {
    rows: Vec<f64>,
    columns: Vec<f64>,
    squares: f64,
}

impl Crossed {
    /// None yet, of so many images.
    pub fn new(images: usize) -> Self {
        Self { rows: vec![], columns: vec![0.0; images], squares: 0.0 }
    }

    /// Takes in the differences of one seed.
    ///
    /// # Panics
    /// When there are not as many as images.
    pub fn push(&mut self, differences: &[f64]) {
        assert_eq!(differences.len(), self.columns.len(), "one difference an image");
        self.rows.push(super::sample::mean(differences));
        for (column, d) in self.columns.iter_mut().zip(differences) {
            *column += d;
        }
        self.squares += differences.iter().map(|d| d * d).sum::<f64>();
    }

    /// **What** the interval of the mean over new seeds and new images of the same kind.
    ///
    /// **Formula** squared standard error s²_seed / n + s²_image / N − s²_rest / (n N), with the variances of the means by
    /// seed and by image and of what is left; Satterthwaite's degrees of freedom. `None` below two seeds or images.
    ///
    /// **Source** Searle, Casella, McCulloch, Variance Components (1992), chapter 4: both first terms hold the rest once.
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let (n, images) = (self.rows.len(), self.columns.len());
        let by_image: Vec<f64> = self.columns.iter().map(|sum| sum / n as f64).collect();
        let (seeds, columns) = (Sample::of(&self.rows), Sample::of(&by_image));
        let (seed, image) = (seeds.variance?, columns.variance?);
        let (rows_free, columns_free) = ((n - 1) as f64, (images - 1) as f64);
        let cells = (n * images) as f64;
        let all = self.squares - cells * seeds.mean * seeds.mean;
        let left = all - images as f64 * rows_free * seed - n as f64 * columns_free * image;
        let rest = (left / (rows_free * columns_free)).max(0.0);
        let (a, b, c) = (seed / n as f64, image / images as f64, rest / cells);
        // Rounding, or a chance of few seeds, may leave less than the larger part alone.
        let square = (a + b - c).max(a).max(b);
        let parts = a * a / rows_free + b * b / columns_free + c * c / (rows_free * columns_free);
        let freedom = if parts > 0.0 { square * square / parts } else { 1.0 };
        Some(Interval::around(seeds.mean, square.sqrt(), freedom, level))
    }
}
