//! Test data: a block of 16 samples beside its samples in PyTorch's layout.

use specc::kernels::LANES;
use specc::kernels::Tolerance;

/// Sample `lane` of a block `[pixel][channel][16]` as `[channel][pixel]`.
pub(super) fn sample(block: &[f32], channels: usize, lane: usize) -> Vec<f64> {
    let pixels = block.len() / (channels * LANES);
    (0..channels)
        .flat_map(|c| (0..pixels).map(move |p| (p * channels + c) * LANES + lane))
        .map(|at| f64::from(block[at]))
        .collect()
}

pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

pub(super) fn magnitudes(values: &[f64]) -> Vec<f64> {
    values.iter().map(|x| x.abs()).collect()
}

/// Asserts closeness, element by element, at the given scales.
pub(super) fn assert_close(
    what: &str,
    tolerance: Tolerance,
    found: &[f64],
    expected: &[f64],
    scales: &[f64],
) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&found, (&expected, &scale))) in
        found.iter().zip(expected.iter().zip(scales)).enumerate()
    {
        assert!(
            tolerance.holds(found, expected, scale),
            "{what}[{i}] is {found}, expected {expected} (scale {scale})"
        );
    }
}

/// The results that AVX-512 and AVX2 must agree on, bit for bit.
#[derive(Default)]
pub(super) struct SameBits(Option<Vec<u32>>);

impl SameBits {
    pub(super) fn check(&mut self, isa: specc::kernels::isa::Isa, results: &[&[f32]]) {
        if isa.kind() == specc::kernels::isa::IsaKind::Portable {
            return;
        }
        let bits: Vec<u32> = results.iter().flat_map(|r| r.iter().map(|x| x.to_bits())).collect();
        match &self.0 {
            None => self.0 = Some(bits),
            Some(first) => assert!(*first == bits, "{isa:?} gives other bits"),
        }
    }
}
