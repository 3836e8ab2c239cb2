//! Convolution of one 16-sample block: forward, input gradient, weight gradient.
//!
//! In and out: blocks `[height][width][channel][16]`, weights `[out][in / groups][kernel][kernel]` as PyTorch has them. A
//! [`Conv`] is the plan of one layer: it holds no data and does not allocate when it runs. Weights are packed once per
//! step, by [`Conv::pack`] and [`Conv::pack_turned`]. Invariant: results depend on neither tile sizes nor threads.

mod behind_pool;
mod forward;
mod grad_input;
mod grad_input_pooled;
mod grad_weight;
mod grad_weight_pooled;
mod grad_weight_winners;
mod sweep;

pub use super::geometry::{ConvGeometry, GeometryError};
pub use grad_input_pooled::PooledGradInput;
pub use grad_weight_pooled::PooledGradWeight;

use self::grad_weight::GradWeight;
use self::sweep::{Sweep, WeightView};
use super::geometry::Axis;
use super::isa::Isa;
use super::threads::ThreadPool;
use super::winograd;

/// The plan of a convolution for one instruction set.
#[derive(Clone, Debug)]
pub struct Conv {
    geometry: ConvGeometry,
    isa: Isa,
    forward: Sweep,
    /// One sweep per stride phase of the input gradient.
    backward: Vec<Sweep>,
    grad_weight: GradWeight,
    /// What is computed with fewer multiplications instead.
    winograd: Winograd,
}

/// The operations for which Winograd's algorithm pays.
#[derive(Clone, Debug, Default)]
struct Winograd {
    forward: Option<winograd::Pass>,
    backward: Option<winograd::Pass>,
    grad_weight: Option<winograd::GradWeight>,
}

impl Conv {
    /// Plans a convolution, each operation the way that takes the least time.
    ///
    /// # Errors
    /// Sizes that do not make a convolution, see [`ConvGeometry::check`].
    pub fn new(isa: Isa, geometry: ConvGeometry) -> Result<Self, GeometryError> {
        let direct = Self::direct(isa, geometry)?;
        let winograd = Winograd {
            forward: winograd::Pass::forward(isa, &geometry),
            backward: winograd::Pass::backward(isa, &geometry),
            grad_weight: winograd::GradWeight::new(isa, &geometry),
        };
        Ok(Self { winograd, ..direct })
    }

    /// Plans a convolution as its definition says, without Winograd's algorithm.
    ///
    /// # Errors
    /// Sizes that do not make a convolution, see [`ConvGeometry::check`].
    pub fn direct(isa: Isa, geometry: ConvGeometry) -> Result<Self, GeometryError> {
        geometry.check()?;
        Ok(Self {
            geometry,
            isa,
            forward: forward_sweep(isa, &geometry),
            backward: grad_input::sweeps(isa, &geometry),
            grad_weight: GradWeight::new(isa, &geometry),
            winograd: Winograd::default(),
        })
    }

    /// The sizes.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.geometry
    }

    /// Whether the forward pass, the input gradient and the weight gradient go by Winograd's algorithm.
    pub fn by_winograd(&self) -> [bool; 3] {
        let Winograd { forward, backward, grad_weight } = &self.winograd;
        [forward.is_some(), backward.is_some(), grad_weight.is_some()]
    }

    /// Floats of the weights packed for the forward pass.
    pub fn packed_len(&self) -> usize {
        let winograd = self.winograd.forward.as_ref();
        winograd.map_or_else(|| self.forward.packed_len(), winograd::Pass::packed_len)
    }

    /// Packs weights for [`Conv::forward`] and [`Conv::forward_max_pool`].
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn pack(&self, pool: &ThreadPool, weight: &[f32], packed: &mut [f32]) {
        assert_eq!(weight.len(), self.geometry.weight_len(), "length of the weights");
        assert_eq!(packed.len(), self.packed_len(), "length of the packed weights");
        match &self.winograd.forward {
            Some(pass) => pass.pack(pool, weight, packed),
            None => self.forward.pack(weight, packed),
        }
    }

    /// Floats of the weights packed for the input gradient.
    pub fn packed_turned_len(&self) -> usize {
        match &self.winograd.backward {
            Some(pass) => pass.packed_len(),
            None => self.backward.iter().map(Sweep::packed_len).sum(),
        }
    }

    /// Packs weights for [`Conv::grad_input`].
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn pack_turned(&self, pool: &ThreadPool, weight: &[f32], packed: &mut [f32]) {
        assert_eq!(weight.len(), self.geometry.weight_len(), "length of the weights");
        assert_eq!(packed.len(), self.packed_turned_len(), "length of the packed weights");
        if let Some(pass) = &self.winograd.backward {
            pass.pack(pool, weight, packed);
            return;
        }
        for sweep in &self.backward {
            sweep.pack(weight, packed);
        }
    }
}

fn forward_sweep(isa: Isa, geometry: &ConvGeometry) -> Sweep {
    let &ConvGeometry { kernel, stride, pad, .. } = geometry;
    let axis = |source: usize, n_targets: usize| Axis {
        n_taps: kernel,
        step: stride,
        offset: -(pad as isize),
        source,
        n_targets,
    };
    let (inputs, outputs) = (geometry.group_in(), geometry.group_out());
    let taps = kernel * kernel;
    Sweep::new(
        isa,
        axis(geometry.in_height, geometry.out_height()),
        axis(geometry.in_width, geometry.out_width()),
        ((0, 0), 1),
        geometry.out_width(),
        (inputs, outputs, geometry.groups),
        WeightView {
            group: outputs * inputs * taps,
            output: inputs * taps,
            channel: taps,
            first: (0, 0),
            step: 1,
            kernel,
        },
        0,
    )
}
