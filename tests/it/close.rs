//! How close results come to their references, by precision. All are relative to the size of what is compared, unless a
//! test says what else.

/// Results in double precision.
pub(crate) mod double {
    /// A few operations.
    pub(crate) const VALUE: f64 = 1e-14;
    /// One pass through a net, or a sum of hundreds of terms.
    pub(crate) const PASS: f64 = 1e-12;
    /// What the independent oracle says: losses, measures and whole runs.
    pub(crate) const ORACLE: f64 = 1e-10;
    /// Differences of passes, and what a power fits: some digits cancel.
    pub(crate) const DIFFERENCE: f64 = 1e-9;
    /// A central difference against the gradient of one operation, with the best step.
    pub(crate) const OPERATION_SLOPE: f64 = 2e-7;
    /// A central difference against a gradient.
    pub(crate) const SLOPE: f64 = 1e-6;
    /// The change of a scale over a run, which is small beside the scale.
    pub(crate) const SCALE_CHANGE: f64 = 1e-6;
}

/// Results in single precision against such in double precision.
pub(crate) mod single {
    /// A few operations.
    pub(crate) const VALUE: f64 = 1e-6;
    /// A number that has gone through a file and some sums.
    pub(crate) const SUM: f64 = 2e-6;
    /// One pass through a net.
    pub(crate) const PASS: f64 = 1e-5;
    /// One operation on random numbers, also where they cancel.
    pub(crate) const OPERATION: f64 = 2e-5;
    /// Losses and sizes over a run of some steps.
    pub(crate) const RUN: f64 = 1e-4;
    /// Weights behind a run of some steps.
    pub(crate) const WEIGHTS: f64 = 1e-3;
    /// Logits behind a run through batch norms, which amplify rounding.
    pub(crate) const NORMED_RUN: f64 = 1e-2;
}
