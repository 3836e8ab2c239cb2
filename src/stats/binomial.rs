//! McNemar's exact test.

/// **What** two-sided p that as many samples change one way as the other, from the counts of both ways.
///
/// **Formula** 2 Σ_{k ≤ min} C(n, k) / 2ⁿ, at most 1, with n all that changed.
///
/// **Source** McNemar, Psychometrika 12 (1947), 153; the exact form is the sign test.
pub fn mcnemar(one_way: u64, other_way: u64) -> f64 {
    let (n, least) = (one_way + other_way, one_way.min(other_way));
    if one_way == other_way {
        return 1.0;
    }
    // The largest term first: the others are ratios of it, however small it is.
    let mut term = 1.0_f64;
    let mut sum = 1.0_f64;
    for k in (1..=least).rev() {
        term *= k as f64 / (n - k + 1) as f64;
        if term == 0.0 {
            break;
        }
        sum += term;
    }
    let log_choose = libm::lgamma(n as f64 + 1.0)
        - libm::lgamma(least as f64 + 1.0)
        - libm::lgamma((n - least) as f64 + 1.0);
    let log = log_choose - n as f64 * std::f64::consts::LN_2 + libm::log(sum);
    (2.0 * libm::exp(log)).min(1.0)
}
