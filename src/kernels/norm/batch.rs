//! Batch normalisation: statistics, forward with addition and relu, backward.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};
use crate::kernels::lanes::tree;

/// Channels whose sums are kept in registers at a time.
const TILE: usize = 4;

/// Count, mean and sum of squared deviations of some numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many numbers.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Σ (x - mean)²
    pub squares: f64,
}

impl Moments {
    /// The moments of both sets together (Chan, Golub, LeVeque).
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let shift = other.mean - self.mean;
        let share = other.count / count;
        Self {
            count,
            mean: self.mean + shift * share,
            squares: self.squares + other.squares + shift * shift * self.count * share,
        }
    }
}

/// What a channel is normalised with: `(x - mean) · scale + shift`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Mean per channel.
    pub mean: &'a [f32],
    /// `gamma / sqrt(variance + eps)` per channel.
    pub scale: &'a [f32],
    /// `beta` per channel.
    pub shift: &'a [f32],
}

/// What the gradient of a channel is put together from.
#[derive(Clone, Copy, Debug)]
pub struct BatchGrad<'a> {
    /// Mean per channel.
    pub mean: &'a [f32],
    /// `1 / sqrt(variance + eps)` per channel.
    pub inv_std: &'a [f32],
    /// `gamma / sqrt(variance + eps)` per channel.
    pub scale: &'a [f32],
    /// Σ dy over the batch, over the count; zero for running statistics.
    pub mean_dy: &'a [f32],
    /// Σ dy · normalised x over the batch, over the count; zero for running statistics.
    pub mean_dy_x: &'a [f32],
}

/// **What** the moments of each channel over the active lanes of one block.
///
/// **Shapes** `x: [pixel][channel][16]`, `moments: [channel]`, overwritten.
///
/// # Panics
/// When lengths do not fit.
pub fn block_moments(isa: Isa, x: &[f32], active: usize, moments: &mut [Moments]) {
    let pixels = pixels(x.len(), moments.len());
    assert!(active <= LANES, "at most 16 samples");
    let channels = moments.len();
    for (first, moments) in (0..channels).step_by(TILE).zip(moments.chunks_mut(TILE)) {
        let mut sums = [[[0.0f32; LANES]; 2]; TILE];
        let n = moments.len();
        // SAFETY: channels `first .. first + n` exist in every pixel.
        unsafe {
            let x = x.as_ptr().add(first * LANES);
            shifted_sums(isa, pixels, channels * LANES, n, x, &mut sums);
        }
        for (i, moments) in moments.iter_mut().enumerate() {
            let count = pixels as f64;
            let lane_mean = |lane: usize| {
                let pivot = f64::from(x[(first + i) * LANES + lane]);
                pivot + f64::from(sums[i][0][lane]) / count
            };
            let mean = (0..active).map(lane_mean).sum::<f64>() / (active.max(1)) as f64;
            let squares = (0..active).map(|lane| {
                let sum = f64::from(sums[i][0][lane]);
                let within = f64::from(sums[i][1][lane]) - sum * sum / count;
                let between = lane_mean(lane) - mean;
                within.max(0.0) + count * between * between
            });
            *moments = Moments { count: count * active as f64, mean, squares: squares.sum() };
        }
    }
}

/// **What** puts the moments of blocks together, in order; `to` is overwritten.
///
/// # Panics
/// When a part has another length.
pub fn combine_moments<'a>(to: &mut [Moments], parts: impl IntoIterator<Item = &'a [Moments]>) {
    to.fill(Moments::default());
    for part in parts {
        assert_eq!(part.len(), to.len(), "length of a part");
        for (to, &part) in to.iter_mut().zip(part) {
            *to = to.and(part);
        }
    }
}

/// **What** `running = (1 - momentum) running + momentum · statistic`, the variance being the unbiased one.
///
/// # Panics
/// When lengths differ.
pub fn running_update(moments: &[Moments], momentum: f64, mean: &mut [f32], variance: &mut [f32]) {
    assert!(mean.len() == moments.len() && variance.len() == moments.len(), "equal lengths");
    for ((moments, mean), variance) in moments.iter().zip(mean).zip(variance) {
        let unbiased = moments.squares / (moments.count - 1.0).max(1.0);
        *mean = (f64::from(*mean) * (1.0 - momentum) + moments.mean * momentum) as f32;
        *variance = (f64::from(*variance) * (1.0 - momentum) + unbiased * momentum) as f32;
    }
}

/// **What** `y = (x - mean) · scale + shift`, plus `residual`, then relu if asked.
///
/// **Shapes** `x`, `y`, `residual: [pixel][channel][16]`.
///
/// # Panics
/// When lengths do not fit.
pub fn batch_forward(
    isa: Isa,
    norm: &BatchNorm<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
    relu: bool,
    y: &mut [f32],
) {
    let channels = norm.mean.len();
    assert!(norm.scale.len() == channels && norm.shift.len() == channels, "one per channel");
    let pixels = pixels(x.len(), channels);
    assert_eq!(y.len(), x.len(), "length of the output");
    let residual = residual.map_or(std::ptr::null(), |residual| {
        assert_eq!(residual.len(), x.len(), "length of the residual");
        residual.as_ptr()
    });
    // SAFETY: lengths were checked.
    unsafe { forward(isa, norm, pixels, x.as_ptr(), residual, relu, y.as_mut_ptr()) };
}

/// **What** adds `Σ dy` and `Σ dy · (x - mean) · inv_std` over the pixels of one block to lane sums; with `y`, only where
/// the output `y` of the relu is positive.
///
/// **Shapes** `sums: [channel][2][16]`, zero before the first block of a group of blocks. Lanes without a sample must have zero `dy`.
///
/// # Panics
/// When lengths do not fit.
pub fn add_grad_sums(
    isa: Isa,
    (mean, inv_std): (&[f32], &[f32]),
    x: &[f32],
    dy: &[f32],
    y: Option<&[f32]>,
    sums: &mut [f32],
) {
    let channels = mean.len();
    assert!(inv_std.len() == channels && sums.len() == 2 * channels * LANES, "one per channel");
    let pixels = pixels(x.len(), channels);
    let y = mask_source(x, dy, y);
    let (x, dy) = (x.as_ptr(), dy.as_ptr());
    // SAFETY: lengths were checked.
    unsafe { grad_sums(isa, (mean, inv_std), pixels, x, dy, y, sums.as_mut_ptr()) };
}

/// **What** lane sums of [`add_grad_sums`] to `Σ dy` (the gradient of beta) and `Σ dy · normalised x` (of gamma).
///
/// # Panics
/// When lengths do not fit.
pub fn finish_grad_sums(sums: &[f32], grad_beta: &mut [f32], grad_gamma: &mut [f32]) {
    assert!(grad_beta.len() == grad_gamma.len(), "one per channel");
    assert_eq!(sums.len(), 2 * grad_beta.len() * LANES, "two sums per channel");
    let grads = grad_beta.iter_mut().zip(grad_gamma);
    for (sums, (beta, gamma)) in sums.chunks_exact(2 * LANES).zip(grads) {
        (*beta, *gamma) = (tree(&sums[..LANES]), tree(&sums[LANES..]));
    }
}

/// **What** `dx = scale · (dy - mean_dy - (x - mean) inv_std · mean_dy_x)`, where `dy` counts only where `y` is positive if
/// given; zero in lanes from `active` on. `d_residual`, if given, gets the `dy` that counts.
///
/// # Panics
/// When lengths do not fit.
#[expect(clippy::too_many_arguments, reason = "operands of one fused operation")]
pub fn batch_backward(
    isa: Isa,
    norm: &BatchGrad<'_>,
    x: &[f32],
    dy: &[f32],
    y: Option<&[f32]>,
    active: usize,
    dx: &mut [f32],
    d_residual: Option<&mut [f32]>,
) {
    let channels = norm.mean.len();
    let all = [norm.inv_std, norm.scale, norm.mean_dy, norm.mean_dy_x];
    assert!(all.iter().all(|values| values.len() == channels), "one per channel");
    let pixels = pixels(x.len(), channels);
    let y = mask_source(x, dy, y);
    assert_eq!(dx.len(), x.len(), "length of the input gradient");
    let d_residual = d_residual.map_or(std::ptr::null_mut(), |d_residual| {
        assert_eq!(d_residual.len(), x.len(), "length of the residual's gradient");
        d_residual.as_mut_ptr()
    });
    let bits = if active >= LANES { u16::MAX } else { (1 << active) - 1 };
    let (sources, targets) = ([x.as_ptr(), dy.as_ptr(), y], [dx.as_mut_ptr(), d_residual]);
    // SAFETY: lengths were checked.
    unsafe { backward(isa, norm, pixels, bits, sources, targets) };
}

/// The output whose sign masks gradients, or null.
fn mask_source(x: &[f32], dy: &[f32], y: Option<&[f32]>) -> *const f32 {
    assert_eq!(dy.len(), x.len(), "length of the output gradient");
    y.map_or(std::ptr::null(), |y| {
        assert_eq!(y.len(), x.len(), "length of the output");
        y.as_ptr()
    })
}

fn pixels(len: usize, channels: usize) -> usize {
    assert!(channels > 0 && len.is_multiple_of(channels * LANES), "whole pixels");
    len / (channels * LANES)
}

per_isa!(unsafe fn shifted_sums(
    pixels: usize, pixel: usize, n: usize, x: *const f32, sums: &mut [[[f32; LANES]; 2]; TILE]
) = shifted_sums_body);
per_isa!(unsafe fn forward(
    norm: &BatchNorm<'_>, pixels: usize, x: *const f32, residual: *const f32, relu: bool, y: *mut f32
) = forward_body);
per_isa!(unsafe fn grad_sums(
    norm: (&[f32], &[f32]), pixels: usize, x: *const f32, dy: *const f32, y: *const f32, sums: *mut f32
) = grad_sums_body);
per_isa!(unsafe fn backward(
    norm: &BatchGrad<'_>, pixels: usize, active: u16, sources: [*const f32; 3], targets: [*mut f32; 2]
) = backward_body);

/// Sums of deviations from the first pixel and of their squares, for `n` channels and each lane.
#[inline(always)]
unsafe fn shifted_sums_body<S: Simd>(
    pixels: usize,
    pixel: usize,
    n: usize,
    x: *const f32,
    sums: &mut [[[f32; LANES]; 2]; TILE],
) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes whole pixels with `n` channels from `x` on.
        unsafe {
            let zero = S::splat(0.0);
            let (mut pivot, mut sum, mut square) = ([zero; TILE], [zero; TILE], [zero; TILE]);
            for (i, pivot) in pivot.iter_mut().enumerate().take(n) {
                *pivot = S::load(x.add(i * LANES + part));
            }
            for p in 0..pixels {
                for i in 0..n {
                    let value = S::load(x.add(p * pixel + i * LANES + part));
                    let deviation = S::sub(value, pivot[i]);
                    sum[i] = S::add(sum[i], deviation);
                    square[i] = S::fma(deviation, deviation, square[i]);
                }
            }
            for i in 0..n {
                S::store(sums[i][0].as_mut_ptr().add(part), sum[i]);
                S::store(sums[i][1].as_mut_ptr().add(part), square[i]);
            }
        }
    }
}

#[inline(always)]
unsafe fn forward_body<S: Simd>(
    norm: &BatchNorm<'_>,
    pixels: usize,
    x: *const f32,
    residual: *const f32,
    relu: bool,
    y: *mut f32,
) {
    let channels = norm.mean.len();
    for p in 0..pixels {
        for c in 0..channels {
            for part in (0..LANES).step_by(S::N) {
                let at = (p * channels + c) * LANES + part;
                // SAFETY: the caller passes that many pixels.
                unsafe {
                    let centred = S::sub(S::load(x.add(at)), S::splat(norm.mean[c]));
                    let scale = S::splat(norm.scale[c]);
                    let mut value = S::fma(centred, scale, S::splat(norm.shift[c]));
                    if !residual.is_null() {
                        value = S::add(value, S::load(residual.add(at)));
                    }
                    let value = if relu { S::max(S::splat(0.0), value) } else { value };
                    S::store(y.add(at), value);
                }
            }
        }
    }
}

/// The output gradient at `at`, zero where a relu was at rest.
#[inline(always)]
unsafe fn masked<S: Simd>(dy: *const f32, y: *const f32, at: usize) -> S::V {
    // SAFETY: forwarded from the caller: one vector each, `y` perhaps null.
    unsafe {
        let grad = S::load(dy.add(at));
        if y.is_null() {
            grad
        } else {
            let zero = S::splat(0.0);
            S::select(S::gt(S::load(y.add(at)), zero), grad, zero)
        }
    }
}

#[inline(always)]
unsafe fn grad_sums_body<S: Simd>(
    (mean, inv_std): (&[f32], &[f32]),
    pixels: usize,
    x: *const f32,
    dy: *const f32,
    y: *const f32,
    sums: *mut f32,
) {
    let channels = mean.len();
    for first in (0..channels).step_by(TILE) {
        let n = TILE.min(channels - first);
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller passes that many pixels and two vectors of sums per channel.
            unsafe {
                let zero = S::splat(0.0);
                let (mut of_dy, mut of_both) = ([zero; TILE], [zero; TILE]);
                for i in 0..n {
                    let sums = sums.add(2 * (first + i) * LANES + part);
                    (of_dy[i], of_both[i]) = (S::load(sums), S::load(sums.add(LANES)));
                }
                for p in 0..pixels {
                    for i in 0..n {
                        let c = first + i;
                        let at = (p * channels + c) * LANES + part;
                        let grad = masked::<S>(dy, y, at);
                        let centred = S::sub(S::load(x.add(at)), S::splat(mean[c]));
                        of_dy[i] = S::add(of_dy[i], grad);
                        let normal = S::mul(centred, S::splat(inv_std[c]));
                        of_both[i] = S::fma(grad, normal, of_both[i]);
                    }
                }
                for i in 0..n {
                    let sums = sums.add(2 * (first + i) * LANES + part);
                    S::store(sums, of_dy[i]);
                    S::store(sums.add(LANES), of_both[i]);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_body<S: Simd>(
    norm: &BatchGrad<'_>,
    pixels: usize,
    active: u16,
    [x, dy, y]: [*const f32; 3],
    [dx, d_residual]: [*mut f32; 2],
) {
    let channels = norm.mean.len();
    for part in (0..LANES).step_by(S::N) {
        for p in 0..pixels {
            for c in 0..channels {
                let at = (p * channels + c) * LANES + part;
                // SAFETY: the caller passes that many pixels.
                unsafe {
                    let is_active = S::from_bits(active >> part);
                    let zero = S::splat(0.0);
                    let grad = S::select(is_active, masked::<S>(dy, y, at), zero);
                    let centred = S::sub(S::load(x.add(at)), S::splat(norm.mean[c]));
                    let normal = S::mul(centred, S::splat(norm.inv_std[c]));
                    let rest = S::sub(grad, S::splat(norm.mean_dy[c]));
                    let rest = S::fma(S::sub(zero, normal), S::splat(norm.mean_dy_x[c]), rest);
                    let value = S::mul(S::splat(norm.scale[c]), rest);
                    S::store(dx.add(at), S::select(is_active, value, zero));
                    if !d_residual.is_null() {
                        S::store(d_residual.add(at), grad);
                    }
                }
            }
        }
    }
}
