//! The classification confidence of a sample.

use super::Logits;

/// The margin of each sample.
///
/// **What** how far the label's logit lies above the best other one.
/// **Shapes** `z: [n, K]` → `[n]`.
/// **Units** logit difference; `> 0` means correct (7), 0 is a tie. With one class there is no
/// other logit and the margin is plus infinity.
/// **Formula** `m = z_y − max_{i≠y} z_i`.
/// **Degree** that of the logits.
/// **Source** paper §1, between (10) and (11).
pub fn margins(logits: &Logits) -> Vec<f64> {
    logits.map_rows(margin)
}

/// The margin of one sample.
pub(super) fn margin(row: &[f64], label: usize) -> f64 {
    let others = row.iter().enumerate().filter(|(class, _)| *class != label);
    row[label] - others.fold(f64::NEG_INFINITY, |best, (_, value)| best.max(*value))
}

/// Normalised margins.
///
/// **What** the margin of the network whose parameters have size one.
/// **Formula** `m̂ = m / R`, with R > 0.
/// **Degree** 0 where the logits have the degree of R.
/// **Source** paper §1, (9).
pub fn normalized_margins(margins: &[f64], size: f64) -> Vec<f64> {
    margins.iter().map(|margin| margin / size).collect()
}
