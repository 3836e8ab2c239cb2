//! Linear forms over unknown scaling exponents, kept sparse.

use std::fmt::Write as _;

use super::Number;
use crate::ir::ParamId;

/// An unknown exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// Of a parameter tensor.
    Param(ParamId),
    /// Of a value that is taken as given: the input of the net is 0, operands of a layer looked at alone follow.
    Given(u32),
}

impl Unknown {
    /// The exponent of the input x of the net.
    pub const INPUT: Self = Self::Given(0);
}

/// Σ coefficient · unknown with no coefficient 0, sorted by unknown. A degree is such a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linear {
    terms: Vec<(Unknown, Number)>,
}

impl Linear {
    /// 0.
    pub fn zero() -> Self {
        Self::default()
    }

    /// One unknown.
    pub fn unknown(unknown: Unknown) -> Self {
        Self { terms: vec![(unknown, Number::ONE)] }
    }

    /// Whether it is 0 for all values of the unknowns.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms, sorted by unknown.
    pub fn terms(&self) -> &[(Unknown, Number)] {
        &self.terms
    }

    /// The coefficient of one unknown.
    pub fn coefficient(&self, unknown: Unknown) -> Number {
        match self.terms.binary_search_by(|(other, _)| other.cmp(&unknown)) {
            Ok(i) => self.terms[i].1.clone(),
            Err(_) => Number::ZERO,
        }
    }

    /// self + factor · other.
    #[must_use]
    pub fn plus(&self, factor: &Number, other: &Self) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut left = self.terms.iter().peekable();
        let mut right = other.terms.iter().peekable();
        let scale = |(unknown, value): &(Unknown, Number)| {
            let value = if factor.is_one() { value.clone() } else { value.mul(factor) };
            (*unknown, value)
        };
        loop {
            match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let sum = a.1.add(&scale(b).1);
                    if !sum.is_zero() {
                        terms.push((a.0, sum));
                    }
                    left.next();
                    right.next();
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    terms.push((*a).clone());
                    left.next();
                }
                (_, Some(b)) => {
                    terms.push(scale(b));
                    right.next();
                }
                (Some(a), None) => {
                    terms.push((*a).clone());
                    left.next();
                }
                (None, None) => break,
            }
        }
        if factor.is_zero() {
            return self.clone();
        }
        Self { terms }
    }

    /// self − other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Number::MINUS_ONE, other)
    }

    /// factor · self.
    #[must_use]
    pub fn times(&self, factor: &Number) -> Self {
        if factor.is_zero() {
            return Self::zero();
        }
        let terms = self.terms.iter().map(|(u, value)| (*u, value.mul(factor))).collect();
        Self { terms }
    }

    /// The value when each unknown has the given value.
    pub fn value(&self, of: impl Fn(Unknown) -> Number) -> Number {
        self.terms.iter().fold(Number::ZERO, |sum, (unknown, coefficient)| {
            let value = of(*unknown);
            if value.is_zero() { sum } else { sum.add(&coefficient.mul(&value)) }
        })
    }

    /// Puts in values where known: the rest as a form, and the sum of the known part.
    pub fn substitute(&self, known: impl Fn(Unknown) -> Option<Number>) -> (Self, Number) {
        let mut terms = vec![];
        let mut sum = Number::ZERO;
        for (unknown, coefficient) in &self.terms {
            match known(*unknown) {
                Some(value) => sum = sum.add(&coefficient.mul(&value)),
                None => terms.push((*unknown, coefficient.clone())),
            }
        }
        (Self { terms }, sum)
    }

    /// The form in words: `e(conv1.weight) + 2·e(fc1.weight)`; `0` when empty.
    pub fn describe(&self, name: impl Fn(Unknown) -> String) -> String {
        let mut text = String::new();
        for (i, (unknown, coefficient)) in self.terms.iter().enumerate() {
            let sign = match (i, coefficient.is_negative()) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            text.push_str(sign);
            let size =
                if coefficient.is_negative() { coefficient.neg() } else { coefficient.clone() };
            if !size.is_one() {
                let _ = write!(text, "{size}·");
            }
            let _ = write!(text, "e({})", name(*unknown));
        }
        if text.is_empty() {
            text.push('0');
        }
        text
    }
}

impl FromIterator<(Unknown, Number)> for Linear {
    /// Unknowns must be distinct; any order.
    fn from_iter<T: IntoIterator<Item = (Unknown, Number)>>(iter: T) -> Self {
        let mut terms: Vec<_> = iter.into_iter().filter(|(_, value)| !value.is_zero()).collect();
        terms.sort_unstable_by_key(|(unknown, _)| *unknown);
        Self { terms }
    }
}
