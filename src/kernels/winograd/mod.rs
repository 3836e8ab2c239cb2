//! Winograd convolution F(4×4, 3×3): 36 instead of 144 multiply-adds for 4×4 outputs of a 3×3 kernel.
//!
//! In and out: what [`super::conv`] takes and gives. The image is cut into tiles of 4×4 targets, each made of 6×6 sources.
//! Kernels, source patches and (for the weight gradient) target tiles are transformed to 36 *points*; at each point the
//! convolution is a product of a matrix `[out][in]` with the patches, done by the tiles of [`super::micro`].
//!
//! **Formula** `Y = Aᵀ (Σ_c (G g Gᵀ) ⊙ (Bᵀ d B)) A`, and for the weights `dg = Gᵀ (Σ (A dy Aᵀ) ⊙ (Bᵀ d B)) G`, which is
//! F(3×3, 4×4); the input gradient is a forward pass with turned kernels.
//! **Source** Lavin and Gray 2016, arXiv:1509.09308, section 4.1; the points are ours, see [`transform`].
//!
//! Invariant: sums run in the order of channels (forward) or tiles and lanes (weights), whatever the strips and register tiles.
//! A value that is not finite reaches all outputs of its tiles.

mod grad_weight;
mod output;
mod pass;
mod transform;

pub(crate) use grad_weight::{GradWeight, Gradient};
pub(crate) use output::{Images, POOL, Then};
pub(crate) use pass::Pass;

use super::geometry::ConvGeometry;

/// Targets of a tile along each side.
const TILE: usize = 4;

/// Sources of a tile along each side.
const PATCH: usize = 6;

/// Channels on each side from which on the transforms are paid for.
const MIN_CHANNELS: usize = 16;

/// What a source vector of a tile costs beside the products, in multiply-adds: transform, and its share of cache misses.
/// Fitted to times of 16 to 256 channels on a Zen 4, for passes and weight gradients alike.
const SOURCE_COST: usize = 350;

/// The same for each target vector of a tile.
const TARGET_COST: usize = 450;

/// What a block costs in multiply-adds, or in what takes as long; nothing where the sizes are not those of F(4×4, 3×3), or the
/// direct kernels cost less.
///
/// The direct kernels leave out taps in the padding, and a tile at an edge computes targets that do not exist: small
/// images gain less. `sources` and `targets` are the channels of each side and `tiles` those of a block.
fn cost(geometry: &ConvGeometry, sources: usize, targets: usize, tiles: usize) -> Option<u64> {
    let is_winograd = geometry.kernel == 3 && geometry.stride == 1 && geometry.groups == 1;
    if !is_winograd || sources.min(targets) < MIN_CHANNELS {
        return None;
    }
    let products = transform::POINTS * sources * targets;
    let transforms = SOURCE_COST * sources + TARGET_COST * targets;
    let cost = (tiles * (products + transforms)) as u64;
    (cost <= geometry.multiply_adds()).then_some(cost)
}
