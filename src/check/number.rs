//! Exact rational numbers: a fast fraction of machine integers that falls back to big ones.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigInt;
use num_rational::{BigRational, Ratio};
use num_traits::{Signed, ToPrimitive, Zero};

/// A rational number, always in lowest terms with a positive denominator.
///
/// Equal values have equal representations: a value that fits machine integers is never stored big.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64, i64),
    Big(Box<BigRational>),
}

impl Number {
    /// 0.
    pub const ZERO: Self = Self(Repr::Small(0, 1));
    /// 1.
    pub const ONE: Self = Self(Repr::Small(1, 1));
    /// −1.
    pub const MINUS_ONE: Self = Self(Repr::Small(-1, 1));

    /// numerator / denominator; the denominator must not be 0.
    pub fn new(numerator: i64, denominator: i64) -> Self {
        Self::from_wide(i128::from(numerator), i128::from(denominator))
    }

    /// An integer.
    pub fn int(value: i64) -> Self {
        Self(Repr::Small(value, 1))
    }

    /// The fraction with the smallest denominator up to 1000 whose nearest double is `value`.
    #[expect(clippy::float_cmp, reason = "the nearest double is asked for")]
    pub fn from_f64(value: f64) -> Option<Self> {
        (1..=1000_i64).find_map(|denominator| {
            let numerator = (value * denominator as f64).round();
            let exact = numerator.abs() < 9.0e15;
            let numerator = if exact { numerator.to_i64()? } else { return None };
            (numerator as f64 / denominator as f64 == value)
                .then(|| Self::new(numerator, denominator))
        })
    }

    /// The value as a fraction of machine integers, where it fits.
    pub fn to_ratio(&self) -> Option<Ratio<i64>> {
        match &self.0 {
            Repr::Small(n, d) => Some(Ratio::new_raw(*n, *d)),
            Repr::Big(_) => None,
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(n, d) => *n as f64 / *d as f64,
            Repr::Big(big) => big.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small(0, _))
    }

    /// Whether it is 1.
    pub fn is_one(&self) -> bool {
        matches!(self.0, Repr::Small(1, 1))
    }

    /// Whether it is above 0.
    pub fn is_positive(&self) -> bool {
        match &self.0 {
            Repr::Small(n, _) => *n > 0,
            Repr::Big(big) => big.is_positive(),
        }
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        !self.is_zero() && !self.is_positive()
    }

    /// self + other.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Repr::Small(a, 1), Repr::Small(b, 1)) => match a.checked_add(*b) {
                Some(sum) => Self::int(sum),
                None => Self::from_wide(i128::from(*a) + i128::from(*b), 1),
            },
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                let (a, b, c, d) = (i128::from(*a), i128::from(*b), i128::from(*c), i128::from(*d));
                // Products of two i64 stay below 2^126, so the sum cannot overflow.
                Self::from_wide(a * d + c * b, b * d)
            }
            (Repr::Big(_), _) | (_, Repr::Big(_)) => Self::from_big(self.big() + other.big()),
        }
    }

    /// −self.
    #[must_use]
    pub fn neg(&self) -> Self {
        match &self.0 {
            Repr::Small(n, d) => Self::from_wide(-i128::from(*n), i128::from(*d)),
            Repr::Big(big) => Self::from_big(-(**big).clone()),
        }
    }

    /// self − other.
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        self.add(&other.neg())
    }

    /// self · other.
    #[must_use]
    pub fn mul(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                Self::from_wide(i128::from(*a) * i128::from(*c), i128::from(*b) * i128::from(*d))
            }
            (Repr::Big(_), _) | (_, Repr::Big(_)) => Self::from_big(self.big() * other.big()),
        }
    }

    /// 1 / self; 0 has no inverse.
    pub fn inverse(&self) -> Option<Self> {
        match &self.0 {
            Repr::Small(0, _) => None,
            Repr::Small(n, d) => Some(Self::from_wide(i128::from(*d), i128::from(*n))),
            Repr::Big(big) => Some(Self::from_big(big.recip())),
        }
    }

    /// Numerator and denominator.
    pub fn parts(&self) -> (BigInt, BigInt) {
        match &self.0 {
            Repr::Small(n, d) => (BigInt::from(*n), BigInt::from(*d)),
            Repr::Big(big) => (big.numer().clone(), big.denom().clone()),
        }
    }

    /// numerator / denominator of big integers; the denominator must not be 0.
    pub fn from_parts(numerator: BigInt, denominator: BigInt) -> Self {
        Self::from_big(BigRational::new(numerator, denominator))
    }

    fn big(&self) -> BigRational {
        match &self.0 {
            Repr::Small(n, d) => BigRational::new_raw(BigInt::from(*n), BigInt::from(*d)),
            Repr::Big(big) => (**big).clone(),
        }
    }

    fn from_big(big: BigRational) -> Self {
        match (big.numer().to_i64(), big.denom().to_i64()) {
            (Some(n), Some(d)) => Self(Repr::Small(n, d)),
            (None, _) | (_, None) => Self(Repr::Big(Box::new(big))),
        }
    }

    fn from_wide(mut n: i128, mut d: i128) -> Self {
        if d < 0 {
            (n, d) = (-n, -d);
        }
        if d != 1 {
            let divisor = gcd(n.unsigned_abs(), d.unsigned_abs());
            // The divisor is at most d, which is positive and fits.
            let divisor = i128::try_from(divisor).unwrap_or(1);
            (n, d) = (n / divisor, d / divisor);
        }
        match (i64::try_from(n), i64::try_from(d)) {
            (Ok(n), Ok(d)) => Self(Repr::Small(n, d)),
            (Err(_), _) | (_, Err(_)) => {
                Self(Repr::Big(Box::new(BigRational::new_raw(BigInt::from(n), BigInt::from(d)))))
            }
        }
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while !b.is_zero() {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                (i128::from(*a) * i128::from(*d)).cmp(&(i128::from(*c) * i128::from(*b)))
            }
            (Repr::Big(_), _) | (_, Repr::Big(_)) => self.big().cmp(&other.big()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(n, 1) => write!(f, "{n}"),
            Repr::Small(n, d) => write!(f, "{n}/{d}"),
            Repr::Big(big) => write!(f, "{big}"),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_back_to_big_integers_and_returns() {
        let huge = Number::int(i64::MAX);
        let square = huge.mul(&huge);
        assert!(square.to_ratio().is_none());
        assert_eq!(square.mul(&huge.inverse().unwrap()), huge);
        assert_eq!(huge.add(&Number::ONE).sub(&Number::ONE), huge);
        assert_eq!(Number::int(i64::MIN).neg().neg(), Number::int(i64::MIN));
    }

    #[test]
    fn fractions_are_in_lowest_terms() {
        assert_eq!(Number::new(6, -4).to_string(), "-3/2");
        assert_eq!(Number::new(1, 3).add(&Number::new(1, 6)).to_string(), "1/2");
        assert_eq!(Number::from_f64(0.1), Some(Number::new(1, 10)));
        assert_eq!(Number::from_f64(std::f64::consts::PI), None);
    }
}
