//! From data to pixels.

use super::number::{LARGEST, drawable, exponent, power};

/// What an axis shows, from its first value to its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Domain {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) log: bool,
}

/// How much room data has on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// None: the axis ends where the data does.
    Tight,
    /// A twenty-fifth of the span.
    Loose,
}

impl Domain {
    /// Around the values that can be drawn; never empty, its ends finite and `low < high`.
    pub(super) fn around(
        values: impl IntoIterator<Item = f64>,
        log: bool,
        padding: Padding,
    ) -> Self {
        let usable = values.into_iter().filter_map(drawable).filter(|v| !log || *v > 0.0);
        let (low, high) = usable
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return if log { Self::new(1.0, 10.0, log) } else { Self::new(0.0, 1.0, log) };
        }
        let flat = if log { high <= low * 1.000_001 } else { is_flat(low, high) };
        if flat {
            return Self::new(low, high, log);
        }
        match padding {
            Padding::Tight => Self::new(low, high, log),
            Padding::Loose if log => {
                let by = libm::pow(high / low, 0.04).min(1e3);
                Self::new((low / by).max(f64::MIN_POSITIVE), (high * by).min(LARGEST), log)
            }
            Padding::Loose => {
                let by = (high - low) / 25.0;
                Self::new((low - by).max(-LARGEST), (high + by).min(LARGEST), log)
            }
        }
    }

    /// The two ends in any order, drawn apart where they are the same.
    pub(super) fn new(low: f64, high: f64, log: bool) -> Self {
        let (low, high) = (low.min(high), low.max(high));
        if log {
            let low = low.max(f64::MIN_POSITIVE);
            return if high > low * 1.000_001 {
                Self { low, high, log }
            } else {
                Self {
                    low: (low / 2.0).max(f64::MIN_POSITIVE),
                    high: (low * 2.0).min(LARGEST),
                    log,
                }
            };
        }
        if is_flat(low, high) {
            let by = if low == 0.0 { 0.5 } else { (low.abs() * 0.1).max(1e-280) };
            let (low, high) = ((low - by).max(-LARGEST), (low + by).min(LARGEST));
            return Self { low, high, log };
        }
        Self { low, high, log }
    }

    /// The same with zero among its values; logarithmic ones have none.
    pub(super) fn with_zero(self) -> Self {
        if self.log { self } else { Self::new(self.low.min(0.0), self.high.max(0.0), false) }
    }

    /// The same between limits that the data keep.
    pub(super) fn within(self, low: f64, high: f64) -> Self {
        Self::new(self.low.max(low), self.high.min(high), self.log)
    }

    /// Whether the value is shown.
    pub(super) fn contains(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// The largest magnitude on the axis.
    pub(super) fn most(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// Too close to each other for digits to tell apart.
fn is_flat(low: f64, high: f64) -> bool {
    high - low <= low.abs().max(high.abs()) * 1e-9 || high - low < 1e-290
}

/// A domain laid along pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) domain: Domain,
    /// Where the lowest value lies.
    pub(super) start: f64,
    /// Where the highest one lies; above or below `start`.
    pub(super) end: f64,
}

/// Places farther outside than so many lengths of the axis are drawn there: clipping cuts them off.
const FAR: f64 = 1e4;

impl Scale {
    /// The place of a value; none where it is not finite, or not positive on a logarithmic axis.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        let Domain { low, high, log } = self.domain;
        let value = drawable(value)?;
        let part = if log {
            if value <= 0.0 {
                return None;
            }
            let low_log = libm::log10(low);
            (libm::log10(value) - low_log) / (libm::log10(high) - low_log)
        } else {
            (value - low) / (high - low)
        };
        Some(self.start + part.clamp(-FAR, FAR) * (self.end - self.start))
    }

    /// The place of a value, that of the nearest end where it is outside.
    pub(super) fn clamped(&self, value: f64) -> Option<f64> {
        self.at(value).map(|at| at.max(self.start.min(self.end)).min(self.start.max(self.end)))
    }
}

/// Steps of 1, 2 or 5 times a power of ten, at most `n` of them; whole ones where asked for.
pub(super) fn linear_ticks(domain: Domain, n: usize, whole: bool) -> (Vec<f64>, f64) {
    let span = domain.high - domain.low;
    let raw = span / n.max(1) as f64;
    let k = exponent(raw);
    let factor = raw / power(k);
    let step = match factor {
        f if f <= 1.000_000_1 => power(k),
        f if f <= 2.000_000_1 => 2.0 * power(k),
        f if f <= 5.000_000_1 => 5.0 * power(k),
        _ => power(k + 1),
    };
    let step = if whole { step.max(1.0) } else { step };
    let slack = step * 1e-9;
    let first = ((domain.low - slack) / step).ceil();
    let last = ((domain.high + slack) / step).floor();
    let count = (last - first).clamp(-1.0, n as f64 + 1.0) + 1.0;
    // Multiples of a step below one are written as quotients: 3 / 10 is the double nearest 0.3, 3 × 0.1 is not.
    let k = exponent(step);
    let ticks = (0..count as usize).map(|i| {
        let multiple = first + i as f64;
        if k < 0 && k > -300 {
            multiple * (step / power(k)).round() / power(-k)
        } else {
            multiple * step
        }
    });
    (ticks.collect(), step)
}

/// Powers of ten, about `n` of them, with their halves and fifths where they are few; linear steps within less than one power.
pub(super) fn log_ticks(domain: Domain, n: usize) -> Vec<f64> {
    let (first, last) = (exponent(domain.low), exponent(domain.high));
    let is_low = power(first) < domain.low * 0.999_999_9;
    let powers = (last - first + i32::from(!is_low)).max(1) as usize;
    let inside =
        |value: &f64| *value >= domain.low * 0.999_999_9 && *value <= domain.high * 1.000_000_1;
    let factors: &[f64] = if powers * 3 <= n { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = powers.div_ceil(n.max(1)).max(1) as i32;
    let ticks: Vec<f64> = (first..=last)
        .filter(|k| k.rem_euclid(every) == 0)
        .flat_map(|k| factors.iter().map(move |factor| factor * power(k)))
        .filter(inside)
        .collect();
    if ticks.len() >= 2 || powers > 2 {
        return ticks;
    }
    let (linear, _) = linear_ticks(Domain { log: false, ..domain }, n, false);
    linear.into_iter().filter(|value| *value > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::{Domain, Padding, Scale, linear_ticks, log_ticks};

    #[test]
    fn ticks_are_one_two_or_five() {
        let (ticks, step) = linear_ticks(Domain::new(0.0, 1.0, false), 5, false);
        assert_eq!((ticks, step), (vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 0.2));
        let (ticks, _) = linear_ticks(Domain::new(-7.0, 12.0, false), 4, false);
        assert_eq!(ticks, [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(linear_ticks(Domain::new(0.0, 2.0, false), 8, true).0, [0.0, 1.0, 2.0]);
        assert_eq!(log_ticks(Domain::new(0.01, 100.0, true), 5), [0.01, 0.1, 1.0, 10.0, 100.0]);
        assert_eq!(log_ticks(Domain::new(1.0, 10.0, true), 8), [1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn any_domain_is_drawable() {
        let hard = [
            vec![],
            vec![0.0],
            vec![-3.0, -3.0],
            vec![f64::MAX, f64::MIN],
            vec![5e-324, 1e-323],
            vec![f64::NAN, f64::INFINITY],
            vec![1e16, 1e16 + 2.0],
        ];
        for values in hard {
            for log in [false, true] {
                let domain = Domain::around(values.iter().copied(), log, Padding::Loose);
                assert!(domain.low < domain.high && domain.low.is_finite(), "{values:?}");
                assert!((domain.high - domain.low).is_finite());
                let scale = Scale { domain, start: 100.0, end: 0.0 };
                for value in &values {
                    assert!(scale.at(*value).is_none_or(f64::is_finite));
                }
                let ticks =
                    if log { log_ticks(domain, 6) } else { linear_ticks(domain, 6, false).0 };
                assert!(ticks.len() < 20 && ticks.iter().all(|t| t.is_finite()), "{ticks:?}");
            }
        }
    }
}
