//! Numbers and lists in sentences.

use crate::chart::{Unit, in_unit, short};

/// `93.4 %`, or `–`.
pub(super) fn percent(value: Option<f64>) -> String {
    in_unit(value.unwrap_or(f64::NAN), 4, Unit::Percent)
}

/// Four significant digits, or `–`.
pub(super) fn number(value: Option<f64>) -> String {
    short(value.unwrap_or(f64::NAN), 4)
}

/// `1 run`, `3 runs`.
pub(super) fn count(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{} {one}s", thousands(n)),
    }
}

/// `10,000`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let lead = digits.len() % 3;
    let mut out = digits[..lead].to_owned();
    for group in digits.as_bytes()[lead..].chunks(3) {
        if !out.is_empty() {
            out.push(',');
        }
        out.extend(group.iter().map(|digit| char::from(*digit)));
    }
    out
}

/// `a, b and c`.
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, thousands};

    #[test]
    fn numbers_and_lists_read_well() {
        assert_eq!([7, 360, 1437, 10_000_000].map(thousands), ["7", "360", "1,437", "10,000,000"]);
        assert_eq!(list(&["a", "b", "c"].map(str::to_owned)), "a, b and c");
    }
}
