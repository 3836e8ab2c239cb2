//! Records to blocks.

use specc::kernels::LANES;
use specc::kernels::augment::{Hole, Planes, Window};
use specc::kernels::input::Gather;
use specc::kernels::isa::Isa;

use super::sample::SameBits;

const SHAPE: Planes = Planes { channels: 3, rows: 7, columns: 5 };
const SCALE: [f32; 3] = [0.5, 0.25, 2.0];
const SHIFT: [f32; 3] = [-1.0, 0.0, 3.0];

fn records(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|lane| (0..105).map(|i| ((lane * 31 + i * 7) % 256) as u8).collect()).collect()
}

#[test]
fn bytes_and_floats_alike() {
    let gather = Gather { shape: SHAPE, scale: &SCALE, shift: &SHIFT, hole: 0.0 };
    for n in [16, 5, 0] {
        let bytes = records(n);
        let floats: Vec<Vec<f32>> =
            bytes.iter().map(|record| record.iter().map(|&b| f32::from(b)).collect()).collect();
        let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let floats: Vec<&[f32]> = floats.iter().map(Vec::as_slice).collect();
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut block = vec![f32::NAN; 105 * LANES];
            gather.run(isa, &bytes, &[], &mut [], &mut block);
            let mut other = vec![f32::NAN; 105 * LANES];
            gather.run(isa, &floats, &[], &mut [], &mut other);
            assert_eq!(block, other);
            same.check(isa, &[&block]);
            for pixel in 0..35 {
                for channel in 0..3 {
                    for lane in 0..LANES {
                        let expected = bytes.get(lane).map_or(0.0, |record| {
                            f32::from(record[channel * 35 + pixel]) * SCALE[channel]
                                + SHIFT[channel]
                        });
                        assert_eq!(block[(pixel * 3 + channel) * LANES + lane], expected);
                    }
                }
            }
        }
    }
}

#[test]
fn windows_move_mirror_and_blank() {
    let gather = Gather { shape: SHAPE, scale: &SCALE, shift: &SHIFT, hole: 9.0 };
    let records = records(3);
    let views: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    let hole = Hole { top: 5, bottom: 9, left: 3, right: 5 };
    let windows = [
        Window::default(),
        Window { dy: 2, dx: -1, flip: false, hole: None },
        Window { dy: 0, dx: 1, flip: true, hole: Some(hole) },
    ];
    let at = |lane: usize, channel: usize, row: i64, column: i64| {
        if (0..7).contains(&row) && (0..5).contains(&column) {
            f32::from(records[lane][channel * 35 + (row * 5 + column) as usize])
        } else {
            0.0
        }
    };
    for isa in Isa::available() {
        let mut block = vec![f32::NAN; 105 * LANES];
        gather.run(isa, &views, &windows, &mut vec![7; 3 * 105], &mut block);
        for row in 0..7 {
            for column in 0..5 {
                for channel in 0..3 {
                    let found = |lane: usize| {
                        let pixel = (row * 5 + column) as usize;
                        block[(pixel * 3 + channel) * LANES + lane]
                    };
                    let value = |pixel: f32| pixel * SCALE[channel] + SHIFT[channel];
                    assert_eq!(found(0), value(at(0, channel, row, column)));
                    assert_eq!(found(1), value(at(1, channel, row + 2, column - 1)));
                    let in_hole = row >= 5 && column >= 3;
                    let expected =
                        if in_hole { 9.0 } else { value(at(2, channel, row, 4 - column + 1)) };
                    assert_eq!(found(2), expected);
                }
            }
        }
    }
}
