//! Holm's correction for independent families.

/// **What** p-values adjusted so that the chance of any false finding stays at the level.
///
/// **Formula** in ascending order, p₍ᵢ₎ · (m − i) made non-decreasing and at most 1.
///
/// **Source** Holm, Scandinavian Journal of Statistics 6 (1979), 65.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, i) in order.into_iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - rank) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}
