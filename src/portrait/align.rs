//! Two lists of layers side by side: the longest way to pair like with like in order, deep into blocks.

use super::Branch;

/// What stands side by side, by positions in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Both(usize, usize),
    Left(usize),
    Right(usize),
}

/// How much a pair of layers is worth where they are equal, and where they are only of one kind; more for each thing that is said
/// of both, which never makes up for equality.
const EQUAL: u64 = 8;
const ALIKE: u64 = 4;

/// The pairs in order; of equally good ones, those that come first.
pub(super) fn align(left: &[Branch], right: &[Branch]) -> Vec<Pair> {
    let best = table(left, right);
    let (mut i, mut j) = (0, 0);
    let mut pairs = vec![];
    while i < left.len() || j < right.len() {
        let worth = match (left.get(i), right.get(j)) {
            (Some(a), Some(b)) => worth(a, b),
            _ => None,
        };
        let is_paired = worth.is_some_and(|worth| best[i][j] == best[i + 1][j + 1] + worth);
        if is_paired {
            pairs.push(Pair::Both(i, j));
            (i, j) = (i + 1, j + 1);
        } else if i < left.len() && (j == right.len() || best[i][j] == best[i + 1][j]) {
            pairs.push(Pair::Left(i));
            i += 1;
        } else {
            pairs.push(Pair::Right(j));
            j += 1;
        }
    }
    pairs
}

/// `table[i][j]`: the most that the lists from `i` and `j` on are worth side by side.
fn table(left: &[Branch], right: &[Branch]) -> Vec<Vec<u64>> {
    let mut best = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let paired = worth(&left[i], &right[j]).map_or(0, |worth| best[i + 1][j + 1] + worth);
            best[i][j] = paired.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    best
}

/// What two branches are worth side by side; nothing where they are of different kinds.
fn worth(a: &Branch, b: &Branch) -> Option<u64> {
    if a.kind != b.kind || a.inside.is_empty() != b.inside.is_empty() {
        return None;
    }
    if a.is_like(b) {
        return Some(EQUAL * a.n_layers() as u64);
    }
    if a.inside.is_empty() {
        let shared = a.has.iter().filter(|(key, value)| b.has.get(*key) == Some(*value)).count();
        return Some(ALIKE + (shared as u64).min(EQUAL - ALIKE - 1));
    }
    // Blocks that share nothing are still of one kind.
    Some(table(&a.inside, &b.inside)[0][0].max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(kind: &str, size: usize) -> Branch {
        let has = [("shape".to_owned(), size.to_string())].into();
        Branch { name: format!("{kind}{size}"), kind: kind.to_owned(), has, inside: vec![] }
    }

    fn block(kind: &str, inside: Vec<Branch>) -> Branch {
        Branch { name: kind.to_owned(), kind: kind.to_owned(), has: [].into(), inside }
    }

    fn shown(left: &[Branch], right: &[Branch]) -> Vec<String> {
        let pair = |pair: Pair| match pair {
            Pair::Both(a, b) => format!("{} = {}", left[a].name, right[b].name),
            Pair::Left(a) => format!("- {}", left[a].name),
            Pair::Right(b) => format!("+ {}", right[b].name),
        };
        align(left, right).into_iter().map(pair).collect()
    }

    #[test]
    fn what_is_equal_goes_before_what_is_only_alike() {
        let left = [layer("conv", 1), layer("relu", 0), layer("conv", 2)];
        let right = [layer("conv", 2)];
        assert_eq!(shown(&left, &right), ["- conv1", "- relu0", "conv2 = conv2"]);
        let wider = [layer("conv", 1), layer("relu", 0), layer("norm", 0), layer("conv", 3)];
        let expected = ["conv1 = conv1", "relu0 = relu0", "+ norm0", "conv2 = conv3"];
        assert_eq!(shown(&left, &wider), expected);
    }

    #[test]
    fn blocks_are_aligned_by_what_stands_in_them() {
        let wide = |size| block("wide", vec![layer("conv", size), layer("relu", size)]);
        let left = [wide(1), wide(2), wide(3)];
        let right = [wide(2), wide(3)];
        assert_eq!(shown(&left, &right), ["- wide", "wide = wide", "wide = wide"]);
        assert_eq!(shown(&[], &right), ["+ wide", "+ wide"]);
    }
}
