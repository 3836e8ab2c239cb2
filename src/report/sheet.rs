//! Samples as pictures: one image, or many on one sheet.

use std::io;

use crate::data::{Pixels, Split};

/// Pixels of the sheet for one of a small image.
const ZOOM: usize = 4;

/// Pixels between two images.
const GAP: usize = 4;

/// Grey of the ground.
const GROUND: u8 = 0x80;

/// A picture in RGB, eight bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
}

impl Image {
    /// A sample of shape `[1 or 3, rows, columns]`, black at the smallest of its values where they are no bytes; `None` for samples of
    /// another shape.
    pub fn of_sample(split: &Split, shape: &[usize], sample: usize) -> Option<Self> {
        let [channels @ (1 | 3), height, width] = *shape else { return None };
        let plane = height * width;
        let range = sample * split.sample_len()..(sample + 1) * split.sample_len();
        let bytes: Vec<u8> = match split.pixels() {
            Pixels::U8(values) => values.get(range)?.to_vec(),
            Pixels::F32(values) => stretched(values.get(range)?),
        };
        // Digits have 17 levels.
        let top = bytes.iter().copied().max().unwrap_or(0);
        let bright = |value: u8| if top <= 16 { value.saturating_mul(15) } else { value };
        let pixel = |at: usize| {
            [0, 1, 2].map(|channel| bright(bytes[channel.min(channels - 1) * plane + at]))
        };
        Some(Self { width, height, rgb: (0..plane).flat_map(pixel).collect() })
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// None but of memory: the file is written to memory.
    pub fn png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![];
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// Floats from their smallest to their largest value.
fn stretched(values: &[f32]) -> Vec<u8> {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let span = (high - low).max(f32::MIN_POSITIVE);
    values.iter().map(|value| ((value - low) / span * 255.0) as u8).collect()
}

/// Samples beside each other, enlarged, `columns` a row; `None` where they are no images.
pub fn contact_sheet(
    split: &Split,
    shape: &[usize],
    samples: &[usize],
    columns: usize,
) -> Option<Image> {
    let images: Vec<Image> =
        samples.iter().map(|at| Image::of_sample(split, shape, *at)).collect::<Option<_>>()?;
    let first = images.first()?;
    let (cell_width, cell_height) = (first.width * ZOOM + GAP, first.height * ZOOM + GAP);
    let columns = columns.clamp(1, images.len());
    let width = columns * cell_width + GAP;
    let height = images.len().div_ceil(columns) * cell_height + GAP;
    let mut rgb = vec![GROUND; width * height * 3];
    for (place, image) in images.iter().enumerate() {
        let (left, top) = (place % columns * cell_width + GAP, place / columns * cell_height + GAP);
        for y in 0..image.height * ZOOM {
            for x in 0..image.width * ZOOM {
                let from = (y / ZOOM * image.width + x / ZOOM) * 3;
                let to = ((top + y) * width + left + x) * 3;
                rgb[to..to + 3].copy_from_slice(&image.rgb[from..from + 3]);
            }
        }
    }
    Some(Image { width, height, rgb })
}
