//! Names of a net beside those of a file that has other ones.

use crate::diag::nearest;
use crate::lower::{StateEntry, shape_text};

/// A tensor that the file lacks, with the one that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name in the net.
    pub ours: String,
    /// The shape in the net.
    pub shape: Vec<usize>,
    /// The name in the file, of the same shape.
    pub theirs: Option<String>,
}

/// Which of the free tensors a pair takes.
type Choice<'a> = dyn Fn(&Pair, &[&StateEntry]) -> Option<usize> + 'a;

/// Each missing tensor of the net beside an unread one of the file: one of nearly the same name and the same shape, else the
/// first in order that has the same shape and is called alike behind the last point. With the unread ones that are left.
pub(super) fn aligned(
    missing: &[(String, Vec<usize>)],
    unread: &[&StateEntry],
) -> (Vec<Pair>, Vec<String>) {
    let mut free: Vec<&StateEntry> = unread.to_vec();
    free.sort_by_key(|entry| in_order(&entry.name));
    let mut pairs: Vec<Pair> = missing
        .iter()
        .map(|(ours, shape)| Pair { ours: ours.clone(), shape: shape.clone(), theirs: None })
        .collect();
    let similar = |pair: &Pair, free: &[&StateEntry]| {
        let fitting = free.iter().filter(|entry| entry.shape == pair.shape);
        let found = nearest(&pair.ours, fitting.map(|entry| entry.name.as_str()))?;
        free.iter().position(|entry| entry.name == found)
    };
    let alike = |pair: &Pair, free: &[&StateEntry]| {
        let fits = |entry: &&StateEntry| {
            entry.shape == pair.shape && last(&entry.name) == last(&pair.ours)
        };
        free.iter().position(fits)
    };
    let any =
        |pair: &Pair, free: &[&StateEntry]| free.iter().position(|entry| entry.shape == pair.shape);
    let passes: [&Choice<'_>; 3] = [&similar, &alike, &any];
    for pass in passes {
        for pair in pairs.iter_mut().filter(|pair| pair.theirs.is_none()) {
            if let Some(at) = pass(pair, &free) {
                pair.theirs = Some(free.remove(at).name.clone());
            }
        }
    }
    (pairs, free.into_iter().map(|entry| entry.name.clone()).collect())
}

/// The pairs as lines of a map, `ours = theirs`, with shapes behind them.
pub(super) fn lines(pairs: &[Pair]) -> String {
    let width = |text: &dyn Fn(&Pair) -> &str| {
        pairs.iter().map(|pair| text(pair).chars().count()).max().unwrap_or(0)
    };
    let theirs = |pair: &Pair| pair.theirs.clone().unwrap_or_else(|| "?".to_owned());
    let ours_width = width(&|pair| &pair.ours);
    let theirs_width = width(&|pair| pair.theirs.as_deref().unwrap_or("?"));
    let line = |pair: &Pair| {
        let shape = shape_text(&pair.shape);
        format!("{:ours_width$} = {:theirs_width$}  # {shape}", pair.ours, theirs(pair))
    };
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a tensor is called within its layer.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `layer2` before `layer10`: letters as they are, numbers by their values.
fn in_order(name: &str) -> Vec<(u64, char)> {
    let mut key = vec![];
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(digit) = letter.to_digit(10) else {
            key.push((0, letter));
            continue;
        };
        let mut number = u64::from(digit);
        while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(u64::from(digit));
            letters.next();
        }
        key.push((number, '0'));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::HostTensor;

    fn entry(name: &str, shape: &[usize]) -> StateEntry {
        StateEntry { name: name.to_owned(), shape: shape.to_vec(), values: HostTensor::F32(vec![]) }
    }

    #[test]
    fn names_meet_by_likeness_then_by_shape_and_order() {
        let missing = ["conv1.weight", "conv2.weight", "conv2.bias", "linear1.weight"];
        let shapes = [vec![4, 4], vec![4, 4], vec![4], vec![9, 9]];
        let missing: Vec<_> = missing.into_iter().map(str::to_owned).zip(shapes).collect();
        let theirs = [
            entry("features.10.weight", &[4, 4]),
            entry("features.2.weight", &[4, 4]),
            entry("conv2.biass", &[4]),
            entry("head", &[7]),
        ];
        let (pairs, left) = aligned(&missing, &theirs.iter().collect::<Vec<_>>());
        let found: Vec<_> = pairs.iter().map(|pair| pair.theirs.as_deref()).collect();
        let expected =
            [Some("features.2.weight"), Some("features.10.weight"), Some("conv2.biass"), None];
        assert_eq!(found, expected);
        assert_eq!(left, ["head"]);
        assert!(lines(&pairs).ends_with("linear1.weight = ?                   # [9, 9]"));
    }
}
