//! Holm's correction, and what it becomes for sets of p-values that are joint already.

/// **What** p-values adjusted so that the chance of any false finding stays at the level.
///
/// **Formula** in ascending order, p₍ᵢ₎ · (m − i) made non-decreasing and at most 1.
///
/// **Source** Holm, Scandinavian Journal of Statistics 6 (1979), 65.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let sets: Vec<Vec<f64>> = p.iter().map(|p| vec![*p]).collect();
    holm_of_sets(&sets).into_iter().flatten().collect()
}

/// **What** the same for sets: within one, p-values hold for the set already.
///
/// **Formula** max over q ≤ p of q · (sets whose largest p-value is at least q), where q runs over all p-values: the closed
/// test whose intersections are tested by Bonferroni over the sets that take part. With one p-value a set it is Holm's.
///
/// **Source** Marcus, Peritz, Gabriel, Biometrika 63 (1976), 655.
pub fn holm_of_sets(sets: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let largest: Vec<f64> =
        sets.iter().map(|set| set.iter().copied().fold(0.0, f64::max)).collect();
    let weighed: Vec<(f64, f64)> = sets
        .iter()
        .flatten()
        .map(|q| (*q, q * largest.iter().filter(|largest| *largest >= q).count() as f64))
        .collect();
    let adjust = |p: &f64| {
        let reached = weighed.iter().filter(|(q, _)| q <= p).map(|(_, weighed)| *weighed);
        reached.fold(0.0, f64::max).min(1.0)
    };
    sets.iter().map(|set| set.iter().map(adjust).collect()).collect()
}
