//! Counts become fractions of the number of samples.

/// `count / n`, or nothing where there are no samples.
pub(super) fn fraction(count: usize, n: usize) -> Option<f64> {
    (n > 0).then(|| count as f64 / n as f64)
}

/// The fraction of `values` that satisfy `holds`.
pub(super) fn fraction_of<T: Copy>(values: &[T], holds: impl Fn(T) -> bool) -> Option<f64> {
    fraction(values.iter().filter(|value| holds(**value)).count(), values.len())
}

/// `value` where it is finite.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
