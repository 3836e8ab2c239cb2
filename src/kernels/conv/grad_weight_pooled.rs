//! Weight gradient of a convolution whose output goes straight into max pooling, the way that takes the least time.
//!
//! In: the gradient of the *pooled* output with the masks of the winners, and the input. Out: accumulators, added to; then
//! [`PooledGradWeight::collapse`]. The gradient at every position of the windows is never stored.

use super::ConvGeometry;
use super::behind_pool::BehindPool;
use super::grad_weight_winners::Winners;
use crate::kernels::isa::Isa;
use crate::kernels::pool2d::PoolGeometry;
use crate::kernels::winograd::{self, Gradient};

/// The plan of a weight gradient behind pooling, for one instruction set.
#[derive(Clone, Debug)]
pub struct PooledGradWeight {
    shape: BehindPool,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    /// Winner by winner.
    Winners(Winners),
    /// All positions of a tile, by Winograd's algorithm.
    Winograd(winograd::GradWeight),
}

impl PooledGradWeight {
    /// Plans the gradient for pooling over disjoint windows of `size × size`.
    ///
    /// `None` where it does not pay: several groups, large windows, taps that waste more than they save, or sizes that make no
    /// convolution.
    pub fn new(isa: Isa, geometry: ConvGeometry, size: usize) -> Option<Self> {
        let shape = BehindPool::new(isa, geometry, size)?;
        let winners = Winners::new(&shape);
        let most = winners.as_ref().map_or(u64::MAX, Winners::cost);
        let winograd = (size == winograd::POOL)
            .then(|| winograd::GradWeight::new(isa, &geometry))
            .flatten()
            .filter(|plan| plan.cost() < most);
        let way = match (winograd, winners) {
            (Some(plan), _) => Way::Winograd(plan),
            (None, Some(winners)) => Way::Winners(winners),
            (None, None) => return None,
        };
        Some(Self { shape, way })
    }

    /// The sizes of the convolution.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.shape.geometry
    }

    /// The sizes of the pooling.
    pub fn pool(&self) -> &PoolGeometry {
        &self.shape.pool
    }

    /// Whether it goes by Winograd's algorithm.
    pub fn by_winograd(&self) -> bool {
        matches!(self.way, Way::Winograd(_))
    }

    /// Floats of the accumulators, whose order is the way's own.
    pub fn sums_len(&self) -> usize {
        match &self.way {
            Way::Winners(winners) => winners.sums_len(),
            Way::Winograd(plan) => plan.sums_len(),
        }
    }

    /// Floats of scratch.
    pub fn scratch_len(&self) -> usize {
        match &self.way {
            Way::Winners(winners) => winners.scratch_len(),
            Way::Winograd(plan) => plan.scratch_len(),
        }
    }

    /// **What** adds the weight gradient of one block to the accumulators.
    ///
    /// **Shapes** `x: [in_height][in_width][in_channels][16]`; `dy`: one block of the pooled output's gradient; `masks` as
    /// [`crate::kernels::pool2d::max::forward`] leaves them; `sums: [sums_len]`, zero before the first block of a group of
    /// blocks; `scratch` at least `[scratch_len]`, any content. Where no mask is set the gradient is dropped.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn add(&self, x: &[f32], dy: &[f32], masks: &[u16], sums: &mut [f32], scratch: &mut [f32]) {
        assert_eq!(x.len(), self.shape.geometry.in_len(), "length of the input");
        assert_eq!(dy.len(), self.shape.pool.out_len(), "length of the output gradient");
        assert_eq!(masks.len(), self.shape.pool.mask_len(), "length of the masks");
        assert_eq!(sums.len(), self.sums_len(), "length of the accumulators");
        assert!(scratch.len() >= self.scratch_len(), "length of the scratch");
        match &self.way {
            Way::Winners(winners) => winners.add(x, dy, masks, sums, scratch),
            Way::Winograd(plan) => plan.add(x, Gradient::Pooled { dy, masks }, sums, scratch),
        }
    }

    /// **What** the gradient `[out][in][kernel][kernel]` from the accumulators.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn collapse(&self, sums: &[f32], grad: &mut [f32]) {
        assert_eq!(sums.len(), self.sums_len(), "length of the accumulators");
        assert_eq!(grad.len(), self.shape.geometry.weight_len(), "length of the gradient");
        match &self.way {
            Way::Winners(winners) => winners.collapse(sums, grad),
            Way::Winograd(plan) => plan.collapse(sums, grad),
        }
    }
}
