//! An axis: what it measures, in which unit, over which range.

use super::number::{self, Unit};
use super::scale::{Domain, Padding, Scale, linear_ticks, log_ticks};

/// An axis; there is none without a title.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    title: String,
    unit: Unit,
    log: bool,
    zero: bool,
    range: Option<(f64, f64)>,
}

/// A value on an axis with its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Axis {
    /// A linear axis around its data. The title names the quantity, and its unit unless the ticks show it: `epoch`,
    /// `time (ms)`; a blank one becomes `value`.
    pub fn new(title: impl Into<String>) -> Self {
        let title: String = title.into();
        let title = if title.trim().is_empty() { "value".to_owned() } else { title };
        Self { title, unit: Unit::Plain, log: false, zero: false, range: None }
    }

    /// Shares from 0 to 1, written in per cent.
    #[must_use]
    pub fn percent(self) -> Self {
        Self { unit: Unit::Percent, ..self }
    }

    /// Whole numbers, large ones written as `25k`.
    #[must_use]
    pub fn count(self) -> Self {
        Self { unit: Unit::Count, ..self }
    }

    /// Logarithmic: values that are not positive leave gaps.
    #[must_use]
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }

    /// With zero on it; a logarithmic axis has none.
    #[must_use]
    pub fn zero(self) -> Self {
        Self { zero: true, ..self }
    }

    /// From one value to another; what lies outside is not drawn, and the caption counts it.
    #[must_use]
    pub fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// What it measures.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How its values are written.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// What it shows of such data.
    pub(super) fn domain(&self, values: impl IntoIterator<Item = f64>, padding: Padding) -> Domain {
        if let Some((low, high)) = self.range
            && let (Some(low), Some(high)) = (number::drawable(low), number::drawable(high))
            && (!self.log || (low > 0.0 && high > 0.0))
        {
            return Domain::new(low, high, self.log);
        }
        let tight: Vec<f64> = values.into_iter().collect();
        let mut domain = Domain::around(tight.iter().copied(), self.log, padding);
        if self.zero {
            domain = domain.with_zero();
        }
        let bare = Domain::around(tight, self.log, Padding::Tight);
        // Room beyond 0 and 1 would suggest shares that do not exist, and below 0 counts that do not.
        match self.unit {
            Unit::Percent if bare.low >= 0.0 && bare.high <= 1.0 => domain.within(0.0, 1.0),
            Unit::Count if bare.low >= 0.0 => domain.within(0.0, f64::INFINITY),
            Unit::Plain if self.zero && bare.low >= 0.0 => domain.within(0.0, f64::INFINITY),
            Unit::Plain | Unit::Percent | Unit::Count => domain,
        }
    }

    /// The most ticks, from `n` downwards, whose labels `fits` accepts; possibly none.
    pub(super) fn ticks(
        &self,
        scale: &Scale,
        n: usize,
        fits: impl Fn(&[Tick]) -> bool,
    ) -> Vec<Tick> {
        let of = |n: usize| -> Vec<Tick> {
            if scale.domain.log {
                let label = |value| number::log_tick(value, self.unit);
                let values = log_ticks(scale.domain, n);
                return values
                    .into_iter()
                    .map(|value| Tick { value, label: label(value) })
                    .collect();
            }
            let (values, step) = linear_ticks(scale.domain, n, self.unit == Unit::Count);
            let most = values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let label = |value| number::tick(value, step, most, self.unit);
            values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
        };
        (1..=n.max(1)).rev().map(of).find(|ticks| fits(ticks)).unwrap_or_default()
    }
}
