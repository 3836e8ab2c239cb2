//! Findings about a run as users read them, and as `summary.json` keeps them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Finding, RunPlan, Share};
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, Severity, Span};

/// Most layers named in one message, so that it stays readable.
const NAMES: usize = 8;

/// Something in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The head of the net.
    Net,
    /// The call that selects the loss.
    Loss,
    /// A layer by its name.
    Layer(String),
}

/// `resolved.net`, whose lines do not depend on how and where the spec was written.
pub trait Resolved: fmt::Debug {
    /// Looks at it once for a run on `dataset`, and for where some places stand.
    fn look(&self, dataset: &Dataset, places: &[Option<Spot>]) -> Seen;
}

/// What is seen in `resolved.net`; lines count from 1.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Warnings of settings that cannot act, each with its line.
    pub idle: Vec<(Diagnostic, Option<usize>)>,
    /// The line of each place.
    pub lines: Vec<Option<usize>>,
}

/// One entry of `warnings` in `summary.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// `W0702`.
    pub code: String,
    /// `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// `resolved.net`.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<usize>,
    /// How to fix it.
    pub help: Option<String>,
}

impl Warning {
    /// What is wrong with a run: settings that cannot act, then what was found at its end.
    pub(super) fn of_run(findings: &[Finding], plan: &RunPlan<'_>) -> Vec<Self> {
        let first = |finding: &Finding| finding.places().into_iter().next().map(|(at, _)| at);
        let places: Vec<_> = findings.iter().map(first).collect();
        let Seen { idle, lines } = plan.resolved.look(plan.dataset, &places);
        let found = findings.iter().map(|finding| finding.diagnostic(plan)).zip(lines);
        idle.into_iter().chain(found).map(|(found, line)| Self::new(found, line)).collect()
    }

    fn new(diagnostic: Diagnostic, line: Option<usize>) -> Self {
        Self {
            code: diagnostic.code.id().to_owned(),
            severity: match diagnostic.severity() {
                Severity::Warning => "warning".to_owned(),
                Severity::Error => "error".to_owned(),
            },
            message: diagnostic.title,
            file: line.map(|_| "resolved.net".to_owned()),
            line,
            help: diagnostic.help.into_iter().next(),
        }
    }
}

impl Finding {
    /// The finding as a user reads it, with its places in the spec.
    pub fn diagnostic(&self, plan: &RunPlan<'_>) -> Diagnostic {
        let (code, title, help) = self.words();
        let mut diagnostic = Diagnostic::new(code, title).help(help);
        for (place, text) in self.places() {
            if let Some(span) = span(&place, plan) {
                diagnostic = diagnostic.label(span, text);
            }
        }
        match self {
            Self::Chance { splits: [_, test] } => {
                diagnostic.note(format!("on the test set: {}", share(test)))
            }
            Self::Dead { .. }
            | Self::Unmoved { .. }
            | Self::SameLoss { .. }
            | Self::Delta { .. } => diagnostic,
        }
    }

    fn words(&self) -> (Code, String, &'static str) {
        match self {
            Self::Dead { layers, .. } => {
                let title = match &layers[..] {
                    [layer] => format!("no unit of `{layer}` is active"),
                    layers => format!("no unit of {} layers is active", layers.len()),
                };
                (Code::W0702, title, "lower `lr`, warm it up, or choose another `init`")
            }
            Self::Unmoved { layers, .. } => {
                let title = match &layers[..] {
                    [(layer, _)] => format!("the weights of `{layer}` do not move"),
                    layers => format!("the weights of {} layers do not move", layers.len()),
                };
                let help = "lower `lr`: where activations or the loss saturate, the gradient is 0";
                (Code::W0703, title, help)
            }
            Self::SameLoss { .. } => (
                Code::W0704,
                "the loss does not change".to_owned(),
                "lower `lr`, or check that the loss depends on the net",
            ),
            Self::Chance { .. } => (
                Code::W0705,
                "the accuracy is that of chance".to_owned(),
                "change `lr`, train longer, or check the labels",
            ),
            Self::Delta { .. } => (
                Code::W0706,
                "`delta` tells no samples apart".to_owned(),
                "choose `delta` within the margins of `summary.json`",
            ),
        }
    }

    /// Where it shows, the first place first, and what was found there.
    fn places(&self) -> Vec<(Spot, String)> {
        let layer = |name: &String| Spot::Layer(name.clone());
        match self {
            Self::Dead { layers, samples } => {
                let text = format!("0 on all of {samples} training samples");
                layers.iter().take(NAMES).map(|name| (layer(name), text.clone())).collect()
            }
            Self::Unmoved { layers, step } => {
                let text = |since| format!("the same since step {since} of {step}");
                let layers = layers.iter().take(NAMES);
                layers.map(|(name, since)| (layer(name), text(since))).collect()
            }
            Self::SameLoss { loss, since } => {
                vec![(Spot::Loss, format!("{loss:.4} on the test set since epoch {since}"))]
            }
            Self::Chance { splits: [train, _] } => {
                vec![(Spot::Net, format!("on the training set: {}", share(train)))]
            }
            Self::Delta { delta, passed } => {
                let who = if *passed { "every sample" } else { "no sample" };
                vec![(Spot::Loss, format!("{who} reached delta = {delta} in any step"))]
            }
        }
    }
}

fn share(share: &Share) -> String {
    let Share { n, right, largest } = share;
    format!("{right} of {n} right, the largest class has {largest}")
}

fn span(place: &Spot, plan: &RunPlan<'_>) -> Option<Span> {
    match place {
        Spot::Net => Some(plan.net),
        Spot::Loss => Some(plan.loss.span),
        Spot::Layer(name) => {
            let layers = &plan.checked.graph().layers;
            layers.iter().find(|layer| layer.name == *name).map(|layer| layer.origin)
        }
    }
}
