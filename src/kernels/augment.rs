//! Shifting, mirroring and cutting one image.
//!
//! In: the planes of one sample and a [`Window`]. Out: planes of the same size. Every output pixel is decided on its own, so
//! the result does not depend on the order of the work.

/// A rectangle of pixels: rows `top..bottom`, columns `left..right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// First row.
    pub top: usize,
    /// One past the last row.
    pub bottom: usize,
    /// First column.
    pub left: usize,
    /// One past the last column.
    pub right: usize,
}

/// Where the pixels of an augmented image come from.
///
/// Output pixel `(y, x)` is: the hole value inside `hole`; otherwise, with `x` mirrored first if `flip`, input pixel
/// `(y + dy, x + dx)`, or padding where that lies outside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Rows by which the window is moved down over the image.
    pub dy: i32,
    /// Columns by which the window is moved right over the image.
    pub dx: i32,
    /// Mirror left and right after the shift.
    pub flip: bool,
    /// The part that is blanked after shift and mirror.
    pub hole: Option<Hole>,
}

/// Channels, rows and columns of a sample stored plane by plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planes {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// What stands in for an input pixel.
pub trait Convert<S, T> {
    /// The output for input `value` of `channel`.
    fn pixel(&self, channel: usize, value: S) -> T;
    /// The output where the window leaves the image.
    fn padding(&self, channel: usize) -> T;
    /// The output inside the hole.
    fn hole(&self) -> T;
}

/// **What** writes the sample seen through `window` to `output`, each pixel converted.
/// **Shapes** `input` and `output`: `[channels, rows, columns]`; slices of another length are cut to whole rows.
pub fn augment<S: Copy, T: Copy>(
    input: &[S],
    shape: Planes,
    window: Window,
    convert: &impl Convert<S, T>,
    output: &mut [T],
) {
    let Planes { rows, columns, .. } = shape;
    let inside = |position: usize, shift: i32, size: usize| {
        position.checked_add_signed(shift as isize).filter(|&moved| moved < size)
    };
    for (row_idx, target) in output.chunks_exact_mut(columns.max(1)).enumerate() {
        let (channel, y) = (row_idx / rows, row_idx % rows);
        let source = inside(y, window.dy, rows)
            .and_then(|row| input.get((channel * rows + row) * columns..)?.get(..columns));
        let hole_columns = window
            .hole
            .filter(|hole| (hole.top..hole.bottom).contains(&y))
            .map_or(0..0, |hole| hole.left..hole.right);
        for (x, pixel) in target.iter_mut().enumerate() {
            let column = if window.flip { columns - 1 - x } else { x };
            *pixel = if hole_columns.contains(&x) {
                convert.hole()
            } else {
                match (source, inside(column, window.dx, columns)) {
                    (Some(row), Some(column)) => convert.pixel(channel, row[column]),
                    _ => convert.padding(channel),
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Convert<u8, i32> for Plain {
        fn pixel(&self, _: usize, value: u8) -> i32 {
            i32::from(value)
        }
        fn padding(&self, channel: usize) -> i32 {
            -1 - channel as i32
        }
        fn hole(&self) -> i32 {
            99
        }
    }

    fn run(window: Window) -> Vec<i32> {
        let shape = Planes { channels: 2, rows: 2, columns: 3 };
        let mut out = vec![0; 12];
        augment(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], shape, window, &Plain, &mut out);
        out
    }

    #[test]
    fn the_default_window_copies() {
        assert_eq!(run(Window::default()), (1..13).collect::<Vec<_>>());
    }

    #[test]
    fn shift_pads_and_flip_mirrors_after_it() {
        let shifted = Window { dy: 1, dx: -1, ..Window::default() };
        assert_eq!(run(shifted), [-1, 4, 5, -1, -1, -1, -2, 10, 11, -2, -2, -2]);
        let flipped = Window { flip: true, ..shifted };
        assert_eq!(run(flipped), [5, 4, -1, -1, -1, -1, 11, 10, -2, -2, -2, -2]);
    }

    #[test]
    fn the_hole_lies_on_the_output() {
        let hole = Some(Hole { top: 0, bottom: 1, left: 1, right: 3 });
        let window = Window { flip: true, hole, ..Window::default() };
        assert_eq!(run(window), [3, 99, 99, 6, 5, 4, 9, 99, 99, 12, 11, 10]);
    }
}
