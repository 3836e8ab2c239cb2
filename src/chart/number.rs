//! Numbers as text: the same digits on every machine.
//!
//! In: finite doubles. Out: short text for eyes (typographic minus, `%`, `k`, powers of ten) or exact text for files.

/// How the values of an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// As they are.
    #[default]
    Plain,
    /// Shares from 0 to 1, written as `25 %`.
    Percent,
    /// Whole numbers of things, written as `25k` or `3M` when large; ticks are whole.
    Count,
}

/// Magnitudes beyond these are drawn at them: spans between them stay finite.
pub(super) const LARGEST: f64 = 1e300;

/// Where plain numbers change to powers of ten: below 10⁻⁴ and from 10⁶.
const PLAIN: std::ops::Range<i32> = -4..6;

/// ⌊log₁₀|value|⌋, and 0 for zero.
pub(super) fn exponent(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let text = format!("{value:e}");
    text.split('e').nth(1).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// 10ᵏ, correctly rounded.
pub(super) fn power(k: i32) -> f64 {
    format!("1e{k}").parse().unwrap_or(1.0)
}

/// A finite value within the largest magnitude that can be drawn.
pub(super) fn drawable(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-LARGEST, LARGEST))
}

/// The label of a tick: `step` is the distance to the next one, `most` the largest magnitude on the axis.
pub(super) fn tick(value: f64, step: f64, most: f64, unit: Unit) -> String {
    match unit {
        Unit::Percent => format!("{} %", scaled(value * 100.0, step * 100.0, most * 100.0)),
        Unit::Count => {
            let (divisor, suffix) = suffix(most);
            format!("{}{suffix}", scaled(value / divisor, step / divisor, most / divisor))
        }
        Unit::Plain => scaled(value, step, most),
    }
}

/// With the decimals that `step` needs; as a multiple of a power of ten where digits would be many.
fn scaled(value: f64, step: f64, most: f64) -> String {
    let (fine, coarse) = (exponent(step), exponent(most));
    if value == 0.0 {
        return "0".to_owned();
    }
    if coarse < PLAIN.end && fine >= PLAIN.start - 1 {
        return minus(&fixed(value, usize::try_from(-fine).unwrap_or(0)));
    }
    let digits = usize::try_from(exponent(value) - fine).unwrap_or(0).min(15);
    minus(&powered(value, digits))
}

fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero { text.replace('-', "") } else { text }
}

/// `1.5×10⁻⁷`, and `10⁻⁷` where the factor is one.
fn powered(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (factor, power) = text.split_once('e').unwrap_or((&text, "0"));
    let factor = if factor.contains('.') {
        factor.trim_end_matches('0').trim_end_matches('.')
    } else {
        factor
    };
    match factor {
        "1" => format!("10{}", raised(power)),
        "-1" => format!("-10{}", raised(power)),
        _ => format!("{factor}×10{}", raised(power)),
    }
}

fn raised(digits: &str) -> String {
    digits
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            _ => '⁰',
        })
        .collect()
}

/// The divisor and the suffix for counts up to `most`.
fn suffix(most: f64) -> (f64, &'static str) {
    match exponent(most) {
        4..6 => (1e3, "k"),
        6..9 => (1e6, "M"),
        9..12 => (1e9, "G"),
        12..15 => (1e12, "T"),
        _ => (1.0, ""),
    }
}

/// A tick of a logarithmic axis.
pub(super) fn log_tick(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Percent => format!("{} %", short(value * 100.0, 3)),
        Unit::Count => tick(value, value, value, Unit::Count),
        Unit::Plain if (-3..4).contains(&exponent(value)) => short(value, 3),
        Unit::Plain => minus(&powered(value, 2)),
    }
}

/// A value for eyes with so many significant digits at most; `–` where it is not finite.
pub fn short(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let last = digits.max(1) - 1;
    let rounded: f64 = format!("{value:.last$e}").parse().unwrap_or(value);
    let size = exponent(rounded);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    if !PLAIN.contains(&size) {
        return minus(&powered(rounded, last));
    }
    let decimals = usize::try_from(digits as i32 - 1 - size).unwrap_or(0);
    let text = format!("{rounded:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    minus(text)
}

/// A value in its unit with so many significant digits at most: `25.3 %`.
pub fn in_unit(value: f64, digits: usize, unit: Unit) -> String {
    match unit {
        Unit::Percent if value.is_finite() => format!("{} %", short(value * 100.0, digits)),
        Unit::Plain | Unit::Percent | Unit::Count => short(value, digits),
    }
}

/// The shortest text that reads back as the same double, for CSV and TeX; empty where it is not finite.
pub fn exact(value: f64) -> String {
    match exponent(value) {
        _ if !value.is_finite() => String::new(),
        _ if value == 0.0 => "0".to_owned(),
        -5..15 => format!("{value}"),
        _ => format!("{value:e}"),
    }
}

fn minus(text: &str) -> String {
    text.replacen('-', "−", 1)
}

#[cfg(test)]
mod tests {
    use super::{Unit, exact, exponent, power, short, tick};

    #[test]
    fn powers_are_exact() {
        assert_eq!([exponent(999.9), exponent(1000.0), exponent(-0.001)], [2, 3, -3]);
        assert_eq!([power(-3), power(22), power(-320)], [1e-3, 1e22, 1e-320]);
    }

    #[test]
    fn ticks_show_what_their_step_needs() {
        assert_eq!(tick(0.25, 0.05, 1.0, Unit::Percent), "25 %");
        assert_eq!(tick(0.25, 0.005, 1.0, Unit::Percent), "25.0 %");
        assert_eq!(tick(-0.5, 0.1, 1.0, Unit::Plain), "−0.5");
        assert_eq!(tick(25_000.0, 5_000.0, 50_000.0, Unit::Count), "25k");
        assert_eq!(tick(2_500_000.0, 5e5, 3e6, Unit::Count), "2.5M");
        assert_eq!(tick(2e-7, 1e-7, 5e-7, Unit::Plain), "2×10⁻⁷");
        assert_eq!(tick(1.0e9, 5e8, 2e9, Unit::Plain), "10⁹");
    }

    #[test]
    fn short_numbers_drop_noise() {
        assert_eq!(short(0.123_456, 3), "0.123");
        assert_eq!(short(99.96, 3), "100");
        assert_eq!(short(1234.5, 3), "1230");
        assert_eq!(short(-1.5e-9, 3), "−1.5×10⁻⁹");
        assert_eq!(short(f64::NAN, 3), "–");
        assert_eq!([exact(0.1), exact(1e300), exact(f64::NAN)], ["0.1", "1e300", ""]);
    }
}
