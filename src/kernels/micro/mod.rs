//! The register tiles that convolutions and linear layers are made of, and how work is cut into them.
//!
//! - [`fma`]: forward passes and input gradients, weights broadcast over batch lanes.
//! - [`dot`]: weight gradients with few channels, one accumulator lane per sample.
//! - [`outer`]: weight gradients with many channels, one accumulator lane per channel.
//! - [`winners`]: weight gradients behind a max pool, one accumulator lane per tap.
//! - [`spread`]: input gradients behind a max pool, one accumulator lane per tap.
//!
//! Invariant: the order in which one output element is summed never depends on the size of a tile, so tiles may be
//! chosen by instruction set without changing a bit.

pub(crate) mod dot;
pub(crate) mod fma;
pub(crate) mod outer;
pub(crate) mod spread;
pub(crate) mod winners;

/// Largest side of a tile along its first dimension (outputs).
pub(crate) const MAX_ROWS: usize = 8;

/// Largest side of a tile along its second dimension (pixels, blocks, taps).
pub(crate) const MAX_COLUMNS: usize = 8;

/// Most sums in a tile.
const MAX_SUMS: usize = 24;

/// `n` positions cut into the fewest parts of at most `max`, as even as possible: yields `(start, width, repeat)`,
/// where `repeat` parts of the same width follow one another.
pub(crate) fn split(n: usize, max: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let n_parts = n.div_ceil(max.max(1)).max(1);
    let (width, n_wide) = (n / n_parts, n % n_parts);
    [(0, width + 1, n_wide), (n_wide * (width + 1), width, n_parts - n_wide)]
        .into_iter()
        .filter(|&(_, width, repeat)| width > 0 && repeat > 0)
}

/// The parts of [`split`] one by one: `(start, width)`.
pub(crate) fn parts(n: usize, max: usize) -> impl Iterator<Item = (usize, usize)> {
    split(n, max).flat_map(|(start, width, repeat)| {
        (0..repeat).map(move |part| (start + part * width, width))
    })
}

/// `n` cut into the largest of `sizes` that are at most `max`: start and length of each piece.
pub(crate) fn pieces(
    n: usize,
    sizes: &'static [usize],
    max: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let size = sizes.iter().copied().find(|size| *size <= max && start + size <= n)?;
        start += size;
        Some((start - size, size))
    })
}

/// Whether the sums of a tile, one vector for each column and one for a row fit the registers.
pub(crate) const fn tile_fits(registers: usize, rows: usize, columns: usize) -> bool {
    rows * columns + columns < registers
}

/// Sides `(rows, columns)` of the register tile that covers `n_rows × n_columns` at the least estimated cost.
pub(crate) fn choose_tile(registers: usize, n_rows: usize, n_columns: usize) -> (usize, usize) {
    let mut best = (usize::MAX, 1, 1);
    // On equal cost the higher tile: it reads fewer vectors.
    for rows in (1..=MAX_ROWS.min(n_rows.max(1))).rev() {
        let columns = choose_columns(registers, rows, n_columns);
        let cost = parts(n_rows, rows)
            .map(|(_, height)| cover_cost(height, n_columns, columns))
            .sum::<usize>();
        if cost < best.0 {
            best = (cost, rows, columns);
        }
    }
    (best.1, best.2)
}

/// Width of the tile of `rows` rows that covers `n_columns` at the least estimated cost.
pub(crate) fn choose_columns(registers: usize, rows: usize, n_columns: usize) -> usize {
    (1..=MAX_COLUMNS)
        .filter(|&columns| tile_fits(registers, rows, columns) && rows * columns <= MAX_SUMS)
        .min_by_key(|&columns| cover_cost(rows, n_columns, columns))
        .unwrap_or(1)
}

/// Estimated half-cycles per step of the reduction to cover `rows × n_columns` with tiles of that width.
pub(crate) fn cover_cost(rows: usize, n_columns: usize, columns: usize) -> usize {
    split(n_columns, columns).map(|(_, width, repeat)| repeat * tile_cost(rows, width)).sum()
}

/// Estimated half-cycles of one step of the reduction in one tile.
///
/// Two multiply-adds or two loads a cycle, two cycles for a vector that comes from the second-level cache, a latency of
/// four cycles to hide, and the loop itself.
fn tile_cost(rows: usize, columns: usize) -> usize {
    const LATENCY: usize = 8;
    const VECTOR: usize = 4;
    const LOOP: usize = 2;
    (rows * columns).max(rows + columns).max(VECTOR * columns).max(LATENCY) + LOOP
}

/// Calls `$run!(R, C)` for the tile of `$rows × $columns`; every tile of at most 24 sums that fits 32 registers exists.
macro_rules! with_tile {
    ($rows:expr, $columns:expr, $run:ident) => {
        $crate::kernels::micro::with_tile!(@ $rows, $columns, $run,
            (1, 1) (2, 1) (3, 1) (4, 1) (5, 1) (6, 1) (7, 1) (8, 1)
            (1, 2) (2, 2) (3, 2) (4, 2) (5, 2) (6, 2) (7, 2) (8, 2)
            (1, 3) (2, 3) (3, 3) (4, 3) (5, 3) (6, 3) (7, 3) (8, 3)
            (1, 4) (2, 4) (3, 4) (4, 4) (5, 4) (6, 4)
            (1, 5) (2, 5) (3, 5) (4, 5)
            (1, 6) (2, 6) (3, 6) (4, 6)
            (1, 7) (2, 7) (3, 7)
            (1, 8) (2, 8))
    };
    (@ $rows:expr, $columns:expr, $run:ident, $(($r:literal, $c:literal))+) => {
        match ($rows, $columns) {
            $(($r, $c) => $run!($r, $c),)+
            _ => unreachable!("tiles are chosen within the limits of the table"),
        }
    };
}
pub(crate) use with_tile;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_evenly() {
        for n in 0..40 {
            for max in 1..9 {
                let mut next = 0;
                for (start, width) in parts(n, max) {
                    assert_eq!(start, next);
                    assert!((1..=max).contains(&width));
                    next += width;
                }
                assert_eq!(next, n);
            }
        }
    }

    #[test]
    fn tiles_fit_the_registers() {
        for registers in [15, 16, 32] {
            for n_rows in 1..40 {
                for n_columns in 1..40 {
                    let (rows, columns) = choose_tile(registers, n_rows, n_columns);
                    assert!(tile_fits(registers, rows, columns) && rows * columns <= 24);
                    assert!(rows <= MAX_ROWS && columns <= MAX_COLUMNS);
                }
            }
        }
        assert_eq!(choose_tile(32, 6, 28), (6, 4));
    }
}
