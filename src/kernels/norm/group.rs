//! Group and layer normalisation: each sample by itself, over groups of neighbouring channels.
//!
//! Layer normalisation is one group. Over an image whose gain and shift are per element, pass the image as one pixel with
//! `height · width · channel` channels.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Sizes of a normalisation per sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupGeometry {
    /// Pixels of a sample.
    pub pixels: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Groups, which divide the channels.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f32,
}

impl GroupGeometry {
    /// Floats of the statistics that the backward pass reads: mean and inverse deviation of each group and lane.
    pub fn statistics_len(&self) -> usize {
        2 * self.groups * LANES
    }

    fn assert_fits(&self, len: usize) {
        assert!(self.groups > 0 && self.channels.is_multiple_of(self.groups), "whole groups");
        assert!(self.pixels > 0 && self.channels > 0, "an image");
        assert_eq!(len, self.pixels * self.channels * LANES, "length of the image");
    }
}

/// **What** `y = (x - mean) / sqrt(variance + eps) · gamma + beta` per group and sample.
///
/// **Shapes** `x`, `y: [pixel][channel][16]`, `gamma`, `beta: [channel]`, `statistics: [group][2][16]`.
///
/// # Panics
/// When lengths do not fit.
pub fn group_forward(
    isa: Isa,
    geometry: &GroupGeometry,
    x: &[f32],
    affine: Option<(&[f32], &[f32])>,
    statistics: &mut [f32],
    y: &mut [f32],
) {
    geometry.assert_fits(x.len());
    geometry.assert_fits(y.len());
    assert_eq!(statistics.len(), geometry.statistics_len(), "length of the statistics");
    if let Some((gamma, beta)) = affine {
        assert!(
            gamma.len() == geometry.channels && beta.len() == geometry.channels,
            "one per channel"
        );
    }
    let (x, y) = (x.as_ptr(), y.as_mut_ptr());
    // SAFETY: lengths were checked.
    unsafe { forward(isa, geometry, x, affine, statistics.as_mut_ptr(), y) };
}

/// **What** the input gradient, overwritten; adds `dy` and `dy · normalised x` to lane sums per channel.
///
/// **Shapes** `sums: [channel][2][16]` as in [`super::add_grad_sums`]. Lanes without a sample must have zero `dy`.
///
/// # Panics
/// When lengths do not fit.
#[expect(clippy::too_many_arguments, reason = "operands of one fused operation")]
pub fn group_backward(
    isa: Isa,
    geometry: &GroupGeometry,
    x: &[f32],
    gamma: Option<&[f32]>,
    statistics: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    sums: &mut [f32],
) {
    geometry.assert_fits(x.len());
    geometry.assert_fits(dy.len());
    geometry.assert_fits(dx.len());
    assert_eq!(statistics.len(), geometry.statistics_len(), "length of the statistics");
    assert_eq!(sums.len(), 2 * geometry.channels * LANES, "two sums per channel");
    assert!(gamma.is_none_or(|gamma| gamma.len() == geometry.channels), "one per channel");
    let sources = [x.as_ptr(), statistics.as_ptr(), dy.as_ptr()];
    let targets = [dx.as_mut_ptr(), sums.as_mut_ptr()];
    // SAFETY: lengths were checked.
    unsafe { backward(isa, geometry, gamma, sources, targets) };
}

per_isa!(unsafe fn forward(
    geometry: &GroupGeometry, x: *const f32, affine: Option<(&[f32], &[f32])>, statistics: *mut f32, y: *mut f32
) = forward_body);
per_isa!(unsafe fn backward(
    geometry: &GroupGeometry, gamma: Option<&[f32]>, sources: [*const f32; 3], targets: [*mut f32; 2]
) = backward_body);

#[inline(always)]
unsafe fn forward_body<S: Simd>(
    geometry: &GroupGeometry,
    x: *const f32,
    affine: Option<(&[f32], &[f32])>,
    statistics: *mut f32,
    y: *mut f32,
) {
    let &GroupGeometry { pixels, channels, groups, eps } = geometry;
    let size = channels / groups;
    for group in 0..groups {
        for part in (0..LANES).step_by(S::N) {
            let at = |p: usize, c: usize| (p * channels + group * size + c) * LANES + part;
            // SAFETY: the caller passes that many pixels and channels.
            unsafe {
                let inverse = S::splat(1.0 / (pixels * size) as f32);
                let mut sum = S::splat(0.0);
                for p in 0..pixels {
                    for c in 0..size {
                        sum = S::add(sum, S::load(x.add(at(p, c))));
                    }
                }
                let mean = S::mul(sum, inverse);
                let mut square = S::splat(0.0);
                for p in 0..pixels {
                    for c in 0..size {
                        let centred = S::sub(S::load(x.add(at(p, c))), mean);
                        square = S::fma(centred, centred, square);
                    }
                }
                let variance = S::fma(square, inverse, S::splat(eps));
                let inv_std = S::div(S::splat(1.0), S::sqrt(variance));
                S::store(statistics.add(2 * group * LANES + part), mean);
                S::store(statistics.add((2 * group + 1) * LANES + part), inv_std);
                for p in 0..pixels {
                    for c in 0..size {
                        let centred = S::sub(S::load(x.add(at(p, c))), mean);
                        let normal = S::mul(centred, inv_std);
                        let value = match affine {
                            Some((gamma, beta)) => {
                                let channel = group * size + c;
                                S::fma(normal, S::splat(gamma[channel]), S::splat(beta[channel]))
                            }
                            None => normal,
                        };
                        S::store(y.add(at(p, c)), value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_body<S: Simd>(
    geometry: &GroupGeometry,
    gamma: Option<&[f32]>,
    [x, statistics, dy]: [*const f32; 3],
    [dx, sums]: [*mut f32; 2],
) {
    let &GroupGeometry { pixels, channels, groups, .. } = geometry;
    let size = channels / groups;
    for group in 0..groups {
        for part in (0..LANES).step_by(S::N) {
            let at = |p: usize, c: usize| (p * channels + group * size + c) * LANES + part;
            // SAFETY: the caller passes that many pixels and channels, and two sums for each channel.
            unsafe {
                let mean = S::load(statistics.add(2 * group * LANES + part));
                let inv_std = S::load(statistics.add((2 * group + 1) * LANES + part));
                let (mut of_dy, mut of_both) = (S::splat(0.0), S::splat(0.0));
                for p in 0..pixels {
                    for c in 0..size {
                        let channel = group * size + c;
                        let normal = S::mul(S::sub(S::load(x.add(at(p, c))), mean), inv_std);
                        let grad = S::load(dy.add(at(p, c)));
                        let sums = sums.add(2 * channel * LANES + part);
                        S::store(sums, S::add(S::load(sums), grad));
                        let both = sums.add(LANES);
                        S::store(both, S::fma(grad, normal, S::load(both)));
                        let gain = S::splat(gamma.map_or(1.0, |gamma| gamma[channel]));
                        let grad = S::mul(grad, gain);
                        of_dy = S::add(of_dy, grad);
                        of_both = S::fma(grad, normal, of_both);
                    }
                }
                let inverse = S::splat(1.0 / (pixels * size) as f32);
                let (of_dy, of_both) = (S::mul(of_dy, inverse), S::mul(of_both, inverse));
                for p in 0..pixels {
                    for c in 0..size {
                        let channel = group * size + c;
                        let normal = S::mul(S::sub(S::load(x.add(at(p, c))), mean), inv_std);
                        let gain = S::splat(gamma.map_or(1.0, |gamma| gamma[channel]));
                        let grad = S::mul(S::load(dy.add(at(p, c))), gain);
                        let rest = S::sub(grad, of_dy);
                        let rest = S::fma(S::sub(S::splat(0.0), normal), of_both, rest);
                        S::store(dx.add(at(p, c)), S::mul(rest, inv_std));
                    }
                }
            }
        }
    }
}
