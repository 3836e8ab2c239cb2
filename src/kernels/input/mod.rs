//! From records to blocks: pixels of 16 samples, shifted and mirrored if asked, become one block of numbers.
//!
//! In: records `[channel][row][column]` as bytes or floats. Out: a block `[row][column][channel][16]` of `pixel · scale + shift`.
//! Invariant: lanes without a record are zero.

use super::LANES;
use super::augment::{Convert, Planes, Window, augment};
use super::isa::{Isa, Simd, per_isa};

use self::sealed::Square;

/// A square of 16 lanes by 16 pixels.
const SQUARE: usize = LANES * LANES;

/// How records become numbers.
#[derive(Clone, Copy, Debug)]
pub struct Gather<'a> {
    /// Sizes of a record.
    pub shape: Planes,
    /// Factor per channel.
    pub scale: &'a [f32],
    /// Term per channel.
    pub shift: &'a [f32],
    /// Value of a block inside a window's hole, after scale and shift.
    pub hole: f32,
}

/// What records are made of: bytes or floats.
pub trait Pixel: Copy + Default + Send + Sync + sealed::Turn {}

impl Pixel for u8 {}
impl Pixel for f32 {}

impl Gather<'_> {
    /// Elements of a record.
    pub fn record_len(&self) -> usize {
        self.shape.channels * self.shape.rows * self.shape.columns
    }

    /// **What** `block[row][column][channel][lane] = records[lane] · scale + shift`, seen through `windows[lane]`; pixels
    /// outside the record count as zero before scale and shift.
    ///
    /// **Shapes** at most 16 records; `windows` empty for none, or one for each record; `scratch` holds 16 records when there are
    /// windows and may be empty otherwise.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn run<P: Pixel>(
        &self,
        isa: Isa,
        records: &[&[P]],
        windows: &[Window],
        scratch: &mut [P],
        block: &mut [f32],
    ) {
        let Planes { channels, rows, columns } = self.shape;
        let len = self.record_len();
        assert!(records.len() <= LANES, "at most 16 records");
        assert!(records.iter().all(|record| record.len() == len), "length of a record");
        assert!(windows.is_empty() || windows.len() == records.len(), "one window per record");
        assert!(self.scale.len() == channels && self.shift.len() == channels, "one per channel");
        assert_eq!(block.len(), len * LANES, "length of the block");
        let is_moved =
            |lane: usize| windows.get(lane).is_some_and(|w| (w.dy, w.dx, w.flip) != (0, 0, false));
        if (0..records.len()).any(is_moved) {
            assert!(scratch.len() >= records.len() * len, "room for moved records");
        }
        for (lane, record) in records.iter().enumerate().filter(|&(lane, _)| is_moved(lane)) {
            let window = Window { hole: None, ..windows[lane] };
            let to = &mut scratch[lane * len..(lane + 1) * len];
            augment(record, self.shape, window, &Move, to);
        }
        let mut sources: [&[P]; LANES] = [&[]; LANES];
        for (lane, record) in records.iter().enumerate() {
            sources[lane] =
                if is_moved(lane) { &scratch[lane * len..(lane + 1) * len] } else { record };
        }
        let pixels = rows * columns;
        for (channel, (&scale, &shift)) in self.scale.iter().zip(self.shift).enumerate() {
            for first in (0..pixels).step_by(LANES) {
                let width = LANES.min(pixels - first);
                let mut square = [P::default(); SQUARE];
                for (lane, source) in sources[..records.len()].iter().enumerate() {
                    let at = channel * pixels + first;
                    let from = &source[at..at + width];
                    let to = &mut square[lane * LANES..lane * LANES + width];
                    // Whole vectors are moved as such, without a call.
                    match (from.as_array::<LANES>(), to.as_mut_array::<LANES>()) {
                        (Some(from), Some(to)) => *to = *from,
                        _ => to.copy_from_slice(from),
                    }
                }
                let to = &mut block[(first * channels + channel) * LANES..];
                let target = BlockPlace {
                    width,
                    stride: channels * LANES,
                    active: records.len(),
                    scale,
                    shift,
                };
                assert!(to.len() > (width - 1) * target.stride, "pixels inside the block");
                // SAFETY: pixels `first .. first + width` of the channel lie inside the block.
                unsafe { convert(isa, P::square(&square), &target, to.as_mut_ptr()) };
            }
        }
        for (lane, hole) in windows.iter().enumerate().filter_map(|(i, w)| Some((i, w.hole?))) {
            for row in hole.top..hole.bottom.min(rows) {
                for column in hole.left..hole.right.min(columns) {
                    let pixel = (row * columns + column) * channels;
                    for channel in 0..channels {
                        block[(pixel + channel) * LANES + lane] = self.hole;
                    }
                }
            }
        }
    }
}

/// Moves pixels as they are; zero outside.
struct Move;

impl<P: Pixel> Convert<P, P> for Move {
    fn pixel(&self, _: usize, value: P) -> P {
        value
    }
    fn padding(&self, _: usize) -> P {
        P::default()
    }
    fn hole(&self) -> P {
        P::default()
    }
}

struct BlockPlace {
    width: usize,
    stride: usize,
    active: usize,
    scale: f32,
    shift: f32,
}

per_isa!(unsafe fn convert(from: Square<'_>, target: &BlockPlace, to: *mut f32) = convert_body);

#[inline(always)]
unsafe fn convert_body<S: Simd>(from: Square<'_>, target: &BlockPlace, to: *mut f32) {
    let mut turned = [0.0f32; SQUARE];
    let active = if target.active >= LANES { u16::MAX } else { (1 << target.active) - 1 };
    // SAFETY: the caller passes `width` vectors at distance `stride`.
    unsafe {
        match from {
            Square::Floats(from) => {
                S::transpose16(from.as_ptr(), LANES, turned.as_mut_ptr(), LANES);
            }
            Square::Bytes(from) => {
                for (to, byte) in turned.iter_mut().zip(turn_bytes(from)) {
                    *to = f32::from(byte);
                }
            }
        }
        for i in 0..target.width {
            for part in (0..LANES).step_by(S::N) {
                let value = S::load(turned.as_ptr().add(i * LANES + part));
                let value = S::fma(value, S::splat(target.scale), S::splat(target.shift));
                let value = S::select(S::from_bits(active >> part), value, S::splat(0.0));
                S::store(to.add(i * target.stride + part), value);
            }
        }
    }
}

/// Four rounds of pairing element `i` with element `i + 128`, which together swap the two halves of an index: a transpose.
#[inline(always)]
fn turn_bytes(from: &[u8; SQUARE]) -> [u8; SQUARE] {
    let mut now = *from;
    for _ in 0..4 {
        let mut next = [0; SQUARE];
        for i in 0..SQUARE / 2 {
            next[2 * i] = now[i];
            next[2 * i + 1] = now[i + SQUARE / 2];
        }
        now = next;
    }
    now
}

mod sealed {
    use super::SQUARE;

    /// A square of pixels, by what they are.
    #[derive(Clone, Copy, Debug)]
    pub enum Square<'a> {
        /// Bytes.
        Bytes(&'a [u8; SQUARE]),
        /// Floats.
        Floats(&'a [f32; SQUARE]),
    }

    /// Tells bytes from floats.
    pub trait Turn: Sized {
        /// The square as one of the two kinds.
        fn square(from: &[Self; SQUARE]) -> Square<'_>;
    }

    impl Turn for f32 {
        fn square(from: &[f32; SQUARE]) -> Square<'_> {
            Square::Floats(from)
        }
    }

    impl Turn for u8 {
        fn square(from: &[u8; SQUARE]) -> Square<'_> {
            Square::Bytes(from)
        }
    }
}
