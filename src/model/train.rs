//! The optimiser, its schedule and the length of training.

use crate::diag::Span;

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
    /// What becomes of the samples of an epoch that do not fill a batch.
    pub last_batch: LastBatch,
    /// The largest norm of the gradient of all that is trained; a longer one is shortened to it.
    pub clip: Option<f64>,
    /// What a step keeps of the averaged weights, which evaluation uses; in (0, 1).
    pub ema: Option<f64>,
    /// The measure by which the best epoch is found, whose weights are kept beside the last ones.
    pub best: Option<Watched>,
    /// After so many epochs without a better one training ends.
    pub patience: Option<u64>,
    /// When training ends.
    pub length: Length,
    /// Seeds to run, in order.
    pub seeds: Vec<u64>,
    /// Margin for the `well` column of losses without a delta.
    pub well_delta: Option<f64>,
    /// Where the settings stand.
    pub places: Places,
}

/// Where settings of a run stand, for messages; it takes no part in equality.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// `warmup`, or its call where it is not given.
    pub warmup: Span,
    /// `schedule`, or its call.
    pub schedule: Span,
    /// `batch`, or the name of the optimiser.
    pub batch: Span,
    /// `keep`, or the name of the optimiser.
    pub keep: Span,
    /// `patience`, where it is given.
    pub patience: Option<Span>,
    /// `seeds`, where they are given.
    pub seeds: Option<Span>,
    /// `well_delta`, where it is given.
    pub well_delta: Option<Span>,
}

impl Places {
    /// Everything at one place.
    pub fn at(span: Span) -> Self {
        let [warmup, schedule, batch, keep] = [span; 4];
        let patience = None;
        Self { warmup, schedule, batch, keep, patience, seeds: None, well_delta: None }
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Train {
    /// Steps of one epoch over `n` samples, at least one: a set smaller than a batch is one batch.
    pub fn steps_per_epoch(&self, n: usize) -> u64 {
        let batch = self.batch.max(1);
        let steps = match self.last_batch {
            LastBatch::Keep => n.div_ceil(batch),
            LastBatch::Drop => n / batch,
        };
        steps.max(1) as u64
    }

    /// Steps of the whole run over `n` samples: the horizon of schedules.
    pub fn steps(&self, n: usize) -> u64 {
        match self.length {
            Length::Epochs(epochs) => epochs.saturating_mul(self.steps_per_epoch(n)),
            Length::Steps(steps) => steps,
        }
    }
}

/// What becomes of the samples of an epoch that do not fill a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBatch {
    /// They are a short batch.
    Keep,
    /// They wait for an epoch whose order puts them elsewhere.
    Drop,
}

/// A measure of every epoch: `val.accuracy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// What it is taken on.
    pub split: WatchedSplit,
    /// Whether it is the accuracy, of which more is better; else the loss, of which less is.
    pub accuracy: bool,
}

/// The samples that a measure of every epoch is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchedSplit {
    /// The batches of the epoch.
    Train,
    /// Those that are held out to choose by.
    Val,
    /// The test samples.
    Test,
}

impl Watched {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self { split: WatchedSplit::Val, accuracy: true },
        Self { split: WatchedSplit::Val, accuracy: false },
        Self { split: WatchedSplit::Test, accuracy: true },
        Self { split: WatchedSplit::Test, accuracy: false },
        Self { split: WatchedSplit::Train, accuracy: true },
        Self { split: WatchedSplit::Train, accuracy: false },
    ];

    /// What a spec calls it.
    pub fn name(self) -> &'static str {
        match (self.split, self.accuracy) {
            (WatchedSplit::Train, true) => "train.accuracy",
            (WatchedSplit::Train, false) => "train.loss",
            (WatchedSplit::Val, true) => "val.accuracy",
            (WatchedSplit::Val, false) => "val.loss",
            (WatchedSplit::Test, true) => "test.accuracy",
            (WatchedSplit::Test, false) => "test.loss",
        }
    }

    /// Whether one value is better than another; equal ones are not.
    pub fn is_better(self, value: f64, than: f64) -> bool {
        if self.accuracy { value > than } else { value < than }
    }
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

/// The value of an argument of an optimiser or a loss.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// A number.
    Number(f64),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// `true` or `false`.
    Flag(bool),
}

impl Optimizer {
    /// The rule that a row of the table names; `number` and `flag` give its arguments. `None` where one is missing, or where
    /// the row is no rule of its own.
    pub(super) fn of(
        name: &str,
        mut number: impl FnMut(&str) -> Option<f64>,
        flag: impl FnOnce(&str) -> Option<bool>,
    ) -> Option<Self> {
        // All are read before one that is missing counts, so that every mistake is reported.
        match name {
            "sgd" => {
                let (momentum, nesterov) = (number("momentum"), flag("nesterov"));
                let weight_decay = number("weight_decay");
                let (momentum, nesterov, weight_decay) = (momentum?, nesterov?, weight_decay?);
                Some(Self::Sgd { momentum, nesterov, weight_decay })
            }
            "adam" | "adamw" => {
                let read = ["beta1", "beta2", "eps", "weight_decay"].map(number);
                let [Some(beta1), Some(beta2), Some(eps), Some(weight_decay)] = read else {
                    return None;
                };
                Some(match name {
                    "adam" => Self::Adam { beta1, beta2, eps, weight_decay },
                    _ => Self::AdamW { beta1, beta2, eps, weight_decay },
                })
            }
            _ => None,
        }
    }

    /// Its name and its arguments, but for the learning rate and its schedule.
    pub(super) fn call(&self) -> (&'static str, Vec<(&'static str, Setting)>) {
        let adam = |beta1, beta2, eps, weight_decay| {
            let keys = ["beta1", "beta2", "eps", "weight_decay"];
            keys.into_iter().zip([beta1, beta2, eps, weight_decay].map(Setting::Number)).collect()
        };
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => (
                "sgd",
                vec![
                    ("momentum", Setting::Number(momentum)),
                    ("nesterov", Setting::Flag(nesterov)),
                    ("weight_decay", Setting::Number(weight_decay)),
                ],
            ),
            Self::Adam { beta1, beta2, eps, weight_decay } => {
                ("adam", adam(beta1, beta2, eps, weight_decay))
            }
            Self::AdamW { beta1, beta2, eps, weight_decay } => {
                ("adamw", adam(beta1, beta2, eps, weight_decay))
            }
        }
    }

    /// What it keeps of each parameter between steps.
    pub fn keeps(&self) -> Kept {
        match self {
            Self::Sgd { momentum: 0.0, .. } => Kept::Nothing,
            Self::Sgd { .. } => Kept::Momentum,
            Self::Adam { .. } | Self::AdamW { .. } => Kept::Moments,
        }
    }

    /// How strongly weights shrink without a gradient.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. } => *weight_decay,
        }
    }
}

/// What an optimiser keeps of a parameter between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// A running sum of gradients.
    Momentum,
    /// Running means of the gradient and of its square.
    Moments,
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
