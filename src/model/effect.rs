//! Settings that cannot act in the run they stand in: warnings with the numbers that say so.

use super::{Form, Length, Schedule, Spec, Train};
use crate::diag::{Code, Diagnostic, Diagnostics, Span, ToDiagnostic};

/// What a command line says in place of the spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command<'a> {
    /// The seeds that run.
    pub seeds: Option<&'a [u64]>,
    /// Steps after which the command stops.
    pub max_steps: Option<u64>,
}

/// A setting that does not act, or not as it says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Idle {
    /// The rate never reaches `lr`.
    #[error("the warm-up is longer than the run")]
    Warmup {
        /// Steps of the warm-up.
        warmup: u64,
        /// Steps of the run, or of the command.
        steps: u64,
        /// Whether `--max-steps` ends it.
        stopped: bool,
        /// The setting.
        span: Span,
    },
    /// The rate never drops there.
    #[error("a milestone lies behind the end of the run")]
    Milestone {
        /// The first milestone that is never passed, in epochs.
        milestone: u64,
        /// Steps of one epoch, and of the run; `None` where epochs alone decide.
        steps: Option<(u64, u64)>,
        /// Epochs of the run, the last one begun or whole.
        epochs: u64,
        /// The schedule.
        span: Span,
    },
    /// No batch is ever full.
    #[error("the batch is larger than the training set")]
    Batch {
        /// As set.
        batch: usize,
        /// Training samples.
        n: usize,
        /// The setting.
        span: Span,
    },
    /// Top-k of all classes.
    #[error("top-k takes every class")]
    Ranks {
        /// The ranks that no class is left out by.
        ranks: VacuousRanks,
        /// The setting.
        span: Span,
    },
    /// The seeds of the spec do not run.
    #[error("the command line replaces the seeds of the spec")]
    Seeds {
        /// Seeds of the spec.
        n_seeds: usize,
        /// The setting.
        span: Span,
    },
    /// A value that leaves everything as it is.
    #[error("setting `{key}` has no effect")]
    Nothing {
        /// The setting.
        key: &'static str,
        /// Why.
        reason: &'static str,
        /// The setting.
        span: Span,
    },
}

impl ToDiagnostic for Idle {
    fn to_diagnostic(&self) -> Diagnostic {
        let title = self.to_string();
        match self {
            Self::Warmup { warmup, steps, stopped, span } => {
                let (whose, help) = if *stopped {
                    ("the command", "take a larger `--max-steps`, or a shorter `warmup`".to_owned())
                } else {
                    let tenth = steps.div_ceil(10);
                    ("the run", format!("write `warmup={tenth}`, or train for more steps"))
                };
                let title = if *stopped { "the command stops within the warm-up" } else { &title };
                let share = *steps as f64 / *warmup as f64 * 100.0;
                Diagnostic::new(Code::W0204, title)
                    .label(*span, format!("found {warmup} steps of warm-up"))
                    .expected(format!("at most the {steps} steps of {whose}"))
                    .note(format!("the last step has {share:.3} % of the learning rate"))
                    .help(help)
            }
            Self::Milestone { milestone, steps, epochs, span } => {
                let found = match steps {
                    Some((each, all)) => {
                        let at = milestone.saturating_mul(*each);
                        format!("found epoch {milestone}, which ends at step {at} of {all}")
                    }
                    None => format!("found epoch {milestone} of {epochs}"),
                };
                Diagnostic::new(Code::W0205, title)
                    .label(*span, found)
                    .expected(format!("milestones below the {epochs} epochs of the run"))
                    .help("remove the milestone, or train for more epochs")
            }
            Self::Batch { batch, n, span } => Diagnostic::new(Code::W0206, title)
                .label(*span, format!("found {batch}"))
                .expected(format!("at most the {n} training samples"))
                .note("every step takes all samples")
                .help(format!("write `batch = {n}` if that is meant, or a smaller one")),
            Self::Ranks { ranks, span } => ranks.diagnostic(Some(*span)),
            Self::Seeds { n_seeds, span } => Diagnostic::new(Code::W0207, title)
                .label(*span, format!("found {n_seeds} seed(s), which do not run"))
                .note("`--seed` and `--seeds` come before the spec")
                .help("leave the argument out to run the seeds of the spec"),
            Self::Nothing { key: _, reason, span } => {
                Diagnostic::new(Code::W0203, title).label(*span, *reason).help("remove it")
            }
        }
    }
}

/// Ranks of top-k that every sample reaches, since there are no more classes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VacuousRanks {
    n_classes: usize,
    ranks: Vec<usize>,
}

impl VacuousRanks {
    /// Those among `ranks`, if any.
    pub fn of(ranks: &[usize], n_classes: usize) -> Option<Self> {
        let ranks: Vec<usize> = ranks.iter().copied().filter(|rank| *rank >= n_classes).collect();
        (!ranks.is_empty()).then_some(Self { n_classes, ranks })
    }

    /// What to say of them, at the place that asks for them, if that is a spec.
    pub fn diagnostic(&self, place: Option<Span>) -> Diagnostic {
        let Self { n_classes, ranks } = self;
        let ranks: Vec<String> = ranks.iter().map(ToString::to_string).collect();
        let found = format!("k = {}, for {n_classes} classes", ranks.join(", "));
        let diagnostic = Diagnostic::new(Code::W0651, "top-k takes every class");
        let diagnostic = match place {
            Some(span) => diagnostic.label(span, format!("found {found}")),
            None => diagnostic.note(format!("found: {found}")),
        };
        diagnostic
            .expected(format!("k from 1 to {}", n_classes.saturating_sub(1).max(1)))
            .note("such a top-k is 1 whatever the logits are")
            .help("ask for a smaller k")
    }
}

/// The settings of a spec that do not act, whatever the command line says.
pub fn idle_settings(spec: &Spec) -> Diagnostics {
    let (train, places) = (&spec.train, &spec.train.places);
    let steps = run_steps(train, spec.n_train);
    let mut found = vec![];
    if let Some(steps) = steps.filter(|steps| train.warmup > *steps) {
        found.push(Idle::Warmup {
            warmup: train.warmup,
            steps,
            stopped: false,
            span: places.warmup,
        });
    }
    if let Schedule::Step { milestones, gamma } = &train.schedule {
        found.extend(milestone(train, milestones, spec.n_train));
        if gamma.to_bits() == 1.0_f64.to_bits() {
            let reason = "a factor of 1 leaves the rate as it is";
            found.push(Idle::Nothing { key: "gamma", reason, span: places.schedule });
        }
    }
    if let (Some(patience), Length::Epochs(epochs), Some(span)) =
        (train.patience, train.length, places.patience)
        && patience >= epochs
    {
        let reason = "training ends before so many epochs stand behind the first one";
        found.push(Idle::Nothing { key: "patience", reason, span });
    }
    if let Some(n) = spec.n_train.filter(|n| train.batch > *n) {
        found.push(Idle::Batch { batch: train.batch, n, span: places.batch });
    }
    if let (Some(ranks), Some(span)) = (&spec.analyze.k, spec.analyze.k_span) {
        let vacuous = VacuousRanks::of(ranks, spec.classes);
        found.extend(vacuous.map(|ranks| Idle::Ranks { ranks, span }));
    }
    if let (Form::TwoScale { .. } | Form::Separation { .. }, Some(span)) =
        (&spec.loss.form, places.well_delta)
    {
        let reason = "the loss counts by its own `delta`";
        found.push(Idle::Nothing { key: "well_delta", reason, span });
    }
    found.iter().map(ToDiagnostic::to_diagnostic).collect()
}

/// The settings of a spec that a command line keeps from acting.
pub fn overruled_settings(spec: &Spec, command: &Command<'_>) -> Diagnostics {
    let (train, places) = (&spec.train, &spec.train.places);
    let mut found = vec![];
    let is_whole = |most: u64| run_steps(train, spec.n_train).is_some_and(|steps| steps <= most);
    if let Some(steps) = command.max_steps.filter(|most| train.warmup > *most && !is_whole(*most)) {
        found.push(Idle::Warmup {
            warmup: train.warmup,
            steps,
            stopped: true,
            span: places.warmup,
        });
    }
    if let (Some(seeds), Some(span)) = (command.seeds, places.seeds)
        && seeds != train.seeds
    {
        found.push(Idle::Seeds { n_seeds: train.seeds.len(), span });
    }
    found.iter().map(ToDiagnostic::to_diagnostic).collect()
}

/// Steps of the whole run, where they are known.
fn run_steps(train: &Train, n: Option<usize>) -> Option<u64> {
    match (train.length, n) {
        (Length::Steps(steps), _) => Some(steps),
        (Length::Epochs(_), Some(n)) => Some(train.steps(n)),
        (Length::Epochs(_), None) => None,
    }
}

/// The first milestone that the run does not pass before its last step.
fn milestone(train: &Train, milestones: &[u64], n: Option<usize>) -> Option<Idle> {
    let (epochs, steps) = match (train.length, n) {
        (Length::Epochs(epochs), _) => (epochs, None),
        (Length::Steps(all), Some(n)) => {
            let each = train.steps_per_epoch(n);
            (all.div_ceil(each), Some((each, all)))
        }
        (Length::Steps(_), None) => return None,
    };
    let milestone = milestones.iter().copied().find(|milestone| *milestone >= epochs)?;
    Some(Idle::Milestone { milestone, steps, epochs, span: train.places.schedule })
}
