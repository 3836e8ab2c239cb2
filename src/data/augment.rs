//! Random changes of training images, drawn by sample and epoch.
//!
//! In: an [`Augment`], a seed, an epoch and the number of a sample in file order. Out: a [`Draw`], a pure function of these.

use super::error::DataError;
use crate::kernels::augment::{Hole, Planes, Window};
use crate::kernels::philox::{Philox, Stream};

/// Which changes are made, in this order: crop, flip, cutout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augment {
    /// Pad by so many pixels on all sides with the stored value 0 (before normalisation), then take a window of the
    /// original size at a uniform place.
    pub crop: Option<usize>,
    /// Mirror left and right with probability one half.
    pub flip: bool,
    /// Blank a square of this side, centred at a uniform pixel and cut at the border, with 0 (after normalisation).
    pub cutout: Option<usize>,
}

impl Augment {
    /// Whether nothing is changed.
    pub fn is_off(&self) -> bool {
        self.crop.is_none() && !self.flip && self.cutout.is_none()
    }

    /// # Errors
    /// [`DataError::Augment`] unless samples are `[channels, rows, columns]`, padding and hole no larger than rows and columns.
    pub(super) fn check(&self, shape: &[usize]) -> Result<(), DataError> {
        let fits = |size: usize| match shape {
            &[_, rows, columns] => size <= rows.min(columns) && size < 1 << 24,
            _ => false,
        };
        let good = fits(0)
            && self.crop.is_none_or(fits)
            && self.cutout.is_none_or(|size| size > 0 && fits(size));
        if self.is_off() || good {
            return Ok(());
        }
        Err(DataError::Augment { shape: shape.to_vec() })
    }
}

/// The changes of one sample in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// Columns by which the window is moved right over the image, `-crop..=crop`.
    pub dx: i32,
    /// Rows by which the window is moved down over the image, `-crop..=crop`.
    pub dy: i32,
    /// Whether the image is mirrored.
    pub flip: bool,
    /// Row and column of the centre of the hole.
    pub cutout: Option<(usize, usize)>,
    /// Side of the hole.
    pub side: usize,
}

impl Draw {
    /// The changes of `sample` in `epoch`. Each kind of change reads draws of its own, so that switching one on or off leaves
    /// the others as they are: crop from draw 0 (row, column), flip from draw 64, cutout from draw 128 (row, column).
    pub fn for_sample(
        augment: &Augment,
        shape: Planes,
        seed: u64,
        epoch: u32,
        sample: u32,
    ) -> Self {
        let philox = Philox::new(seed, Stream::Augment);
        let mut draw = Self::default();
        if let Some(pad) = augment.crop {
            let mut draws = philox.draws(epoch, sample);
            let choices = 2 * pad as u32 + 1;
            draw.dy = draws.below(choices) as i32 - pad as i32;
            draw.dx = draws.below(choices) as i32 - pad as i32;
        }
        if augment.flip {
            draw.flip = philox.at(epoch, sample, 64)[0] >> 31 == 1;
        }
        if let Some(side) = augment.cutout {
            let mut draws = philox.draws_from(epoch, sample, 128);
            let row = draws.below(shape.rows as u32) as usize;
            draw.cutout = Some((row, draws.below(shape.columns as u32) as usize));
            draw.side = side;
        }
        draw
    }

    /// As the kernel takes it. The hole covers rows `y - side/2 .. y - side/2 + side` as far as they exist, columns alike.
    pub fn window(&self, shape: Planes) -> Window {
        let range = |centre: usize, size: usize| {
            let end = (centre + self.side).saturating_sub(self.side / 2).min(size);
            (centre.saturating_sub(self.side / 2), end)
        };
        let hole = self.cutout.map(|(y, x)| {
            let ((top, bottom), (left, right)) = (range(y, shape.rows), range(x, shape.columns));
            Hole { top, bottom, left, right }
        });
        Window { dy: self.dy, dx: self.dx, flip: self.flip, hole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Planes = Planes { channels: 3, rows: 8, columns: 6 };

    #[test]
    fn draws_cover_their_range_and_do_not_shift_each_other() {
        let all = Augment { crop: Some(2), flip: true, cutout: Some(3) };
        let mut seen = std::collections::BTreeSet::new();
        let mut flips = 0;
        for sample in 0..500 {
            let draw = Draw::for_sample(&all, SHAPE, 9, 1, sample);
            seen.insert((draw.dy, draw.dx));
            flips += usize::from(draw.flip);
            let only = Augment { crop: None, flip: true, cutout: None };
            assert_eq!(Draw::for_sample(&only, SHAPE, 9, 1, sample).flip, draw.flip);
            let hole = draw.window(SHAPE).hole.unwrap();
            assert!(hole.bottom <= 8 && hole.right <= 6 && hole.top < hole.bottom);
        }
        assert_eq!(seen.len(), 25);
        assert!((200..300).contains(&flips), "{flips}");
    }

    #[test]
    fn an_odd_hole_in_the_middle_has_its_side() {
        let draw = Draw { cutout: Some((4, 3)), side: 3, ..Draw::default() };
        let hole = Some(Hole { top: 3, bottom: 6, left: 2, right: 5 });
        assert_eq!(draw.window(SHAPE).hole, hole);
    }

    #[test]
    fn images_only() {
        let flip = Augment { flip: true, ..Augment::default() };
        assert!(flip.check(&[4]).is_err());
        assert!(flip.check(&[1, 4, 4]).is_ok());
        assert!(Augment { crop: Some(5), ..Augment::default() }.check(&[1, 4, 9]).is_err());
        assert!(Augment::default().check(&[4]).is_ok());
    }
}
