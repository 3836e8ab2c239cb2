//! The optimiser, its schedule and the length of training.

/// The `train` item with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    /// The update rule.
    pub optimizer: Optimizer,
    /// SAM or ASAM around it.
    pub sharpness: Option<Sharpness>,
    /// Learning rate before the schedule, > 0.
    pub lr: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises linearly to its scheduled value; 0 for none.
    pub warmup: u64,
    /// Samples per step, ≥ 1.
    pub batch: usize,
    /// When training ends.
    pub length: Length,
    /// Seeds to run, in order.
    pub seeds: Vec<u64>,
    /// Margin for the `well` column of losses without a delta.
    pub well_delta: Option<f64>,
}

/// Update rules in PyTorch's semantics. Weight decay is not applied to scales of the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Optimizer {
    /// v = momentum · v + g with v = 0 before the first step; w −= lr · v, or lr · (g + momentum · v).
    Sgd {
        /// 0 for none.
        momentum: f64,
        /// Look ahead.
        nesterov: bool,
        /// Added to the gradient times w.
        weight_decay: f64,
    },
    /// Adam with weight decay in the gradient.
    Adam {
        /// β₁.
        beta1: f64,
        /// β₂.
        beta2: f64,
        /// ε.
        eps: f64,
        /// Added to the gradient times w.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// β₁.
        beta1: f64,
        /// β₂.
        beta2: f64,
        /// ε.
        eps: f64,
        /// w −= lr · weight_decay · w before the step.
        weight_decay: f64,
    },
}

/// Two-phase sharpness-aware minimisation around an optimiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Sharpness {
    /// SAM or ASAM.
    pub kind: SharpnessKind,
    /// Radius of the perturbation, > 0.
    pub rho: f64,
}

/// How the perturbation is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum SharpnessKind {
    /// e = ρ g / ‖g‖.
    Sam,
    /// e = ρ T² g / ‖T g‖, T = |w| + η for weights and gains, 1 for biases and shifts.
    Asam {
        /// η ≥ 0.
        eta: f64,
    },
}

/// Learning rate at step t (from 0) of a run of T steps, as a factor of `lr`.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// 1.
    Constant,
    /// γ per milestone passed.
    Step {
        /// Epochs after which the rate drops, ascending.
        milestones: Vec<u64>,
        /// The factor.
        gamma: f64,
    },
    /// ½ (1 + cos(π t / T)).
    Cosine,
}

/// When training ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After so many passes over the training set.
    Epochs(u64),
    /// After so many steps.
    Steps(u64),
}
