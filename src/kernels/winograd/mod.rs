//! Winograd convolution F(2×2, 3×3): 16 instead of 36 multiply-adds for 2×2 outputs of a 3×3 kernel.
//!
//! In and out: what [`super::conv`] takes and gives. The image is cut into tiles of 2×2 targets, each made of 4×4 sources.
//! Kernels, source patches and (for the weight gradient) target tiles are transformed to 16 *points*; at each point the
//! convolution is a product of a matrix `[out][in]` with the patches, done by the tiles of [`super::micro`].
//!
//! **Formula** `Y = Aᵀ (Σ_c (G g Gᵀ) ⊙ (Bᵀ d B)) A`, and for the weights `dg = Gᵀ (Σ (A dy Aᵀ) ⊙ (Bᵀ d B)) G`, which is
//! F(3×3, 2×2); the input gradient is a forward pass with turned kernels.
//! **Source** Lavin and Gray 2016, arXiv:1509.09308, section 4.1.
//!
//! Invariant: sums run in the order of channels (forward) or tiles and lanes (weights), whatever the strips and register tiles.
//! A value that is not finite reaches all outputs of its tiles.

mod grad_weight;
mod output;
mod pass;
mod transform;

pub(crate) use grad_weight::GradWeight;
pub(crate) use output::{Images, Then};
pub(crate) use pass::Pass;

use super::geometry::ConvGeometry;

/// Targets of a tile along each side.
pub(crate) const TILE: usize = 2;

/// Sources of a tile along each side.
const PATCH: usize = 4;

/// Channels on each side from which on the transforms are paid for.
const MIN_CHANNELS: usize = 16;

/// What a source vector of a tile costs beside the products, in multiply-adds: transform, and its share of cache misses.
/// Fitted to times of 16 to 64 channels on a Zen 4, for passes and weight gradients alike.
const SOURCE_COST: usize = 72;

/// The same for each target vector of a tile.
const TARGET_COST: usize = 112;

/// Whether sizes are those of F(2×2, 3×3), and fewer operations come of it than the direct kernels need.
///
/// The direct kernels leave out taps in the padding, and a tile at an odd edge computes targets that do not exist: small
/// images gain less. `sources` and `targets` are the channels of each side and `tiles` those of a block.
fn pays(geometry: &ConvGeometry, sources: usize, targets: usize, tiles: usize) -> bool {
    let is_winograd = geometry.kernel == 3 && geometry.stride == 1 && geometry.groups == 1;
    if !is_winograd || sources.min(targets) < MIN_CHANNELS {
        return false;
    }
    let products = transform::POINTS * sources * targets;
    let transforms = SOURCE_COST * sources + TARGET_COST * targets;
    (tiles * (products + transforms)) as u64 <= geometry.multiply_adds()
}
