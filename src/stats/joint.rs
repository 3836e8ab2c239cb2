//! Several measures of the same seeds at once: p-values that hold for the family.

use super::flips::visit;
use super::sign_flip::SLACK;

/// **What** the family-wise p of each measure, by the largest |t| over all measures under common signs.
///
/// **Shapes** `family[m][n]`: differences of measure m at seed n, each less the margin it is judged against.
///
/// **Formula** the share of combinations of signs ε with max over k of |t(ε d_k)| ≥ |t(d_m)|. The smallest is 2 / 2ⁿ,
/// however many measures there are.
///
/// **Source** Westfall and Young, Resampling-Based Multiple Testing (1993); Nichols and Holmes, Human Brain Mapping 15 (2002).
///
/// # Panics
/// When measures differ in their number of seeds.
pub fn joint(family: &[&[f64]]) -> Vec<f64> {
    let n = family.first().map_or(0, |differences| differences.len());
    assert!(family.iter().all(|differences| differences.len() == n), "the same seeds");
    if n == 0 {
        return vec![1.0; family.len()];
    }
    let squares: Vec<f64> = family.iter().map(|d| d.iter().map(|x| x * x).sum()).collect();
    let observed: Vec<f64> = family
        .iter()
        .zip(&squares)
        .map(|(d, squares)| share(d.iter().sum(), *squares, n) * (1.0 - SLACK))
        .collect();
    let mut reached = vec![0_u32; family.len()];
    let mut visited = 0_u32;
    visit(n, |turned| {
        let of = |(d, squares): (&&[f64], &f64)| {
            let terms = d.iter().zip(turned).map(|(x, turn)| if *turn { -x } else { *x });
            share(terms.sum(), *squares, n)
        };
        let largest = family.iter().zip(&squares).map(of).fold(0.0, f64::max);
        for (reached, observed) in reached.iter_mut().zip(&observed) {
            *reached += u32::from(largest >= *observed);
        }
        visited += 1;
    });
    reached.into_iter().map(|reached| f64::from(reached) / f64::from(visited)).collect()
}

/// (Σ d)² / (n Σ d²), which grows with |t|: t² = (n − 1) share / (1 − share). From 0 to 1, also where t is infinite.
fn share(sum: f64, squares: f64, n: usize) -> f64 {
    if squares == 0.0 { 0.0 } else { sum * sum / (n as f64 * squares) }
}
