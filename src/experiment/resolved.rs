//! `resolved.net`, looked at again: where things stand in it, and which of its settings cannot act.

use std::path::Path;

use super::{Experiment, resolved_text};
use crate::check;
use crate::compile::{Compiled, Request, compile};
use crate::data::{Dataset, Description, Split};
use crate::diag::{Code, Diagnostic};
use crate::train::{Resolved, Spot};

/// Warnings of settings that cannot act, whoever starts the run and however.
const IDLE: [Code; 5] = [Code::W0203, Code::W0204, Code::W0205, Code::W0206, Code::W0208];

impl Resolved for Experiment<'_> {
    /// Compiles the text again: whoever asks does so once in a run, and not in most.
    fn line(&self, place: &Spot) -> Option<usize> {
        let compiled = compiled(self, None);
        let (spec, checked) = compiled.sound()?;
        let span = match place {
            Spot::Net => spec.net.span,
            Spot::Loss => spec.loss.span,
            Spot::Layer(name) => {
                checked.graph().layers.iter().find(|layer| layer.name == *name)?.origin
            }
        };
        Some(compiled.sources.position(span).line)
    }

    fn idle_settings(&self, dataset: &Dataset) -> Vec<(Diagnostic, Option<usize>)> {
        let Compiled { diagnostics, sources, .. } = compiled(self, Some(dataset));
        let idle = diagnostics.into_iter().filter(|found| IDLE.contains(&found.code));
        let with_line = |found: Diagnostic| {
            let line = found.labels.first().map(|label| sources.position(label.span).line);
            (found, line)
        };
        idle.map(with_line).collect()
    }
}

/// The text of the run, compiled for data of so many samples, where that is known.
fn compiled(experiment: &Experiment<'_>, dataset: Option<&Dataset>) -> Compiled {
    let spec = experiment.spec();
    let held_out = |dataset: &Dataset| dataset.val.as_ref().map_or(0, Split::len);
    let description = Description {
        sample_shape: spec.sample_shape.clone(),
        classes: spec.classes,
        n_train: dataset.map(|dataset| dataset.train.len()),
        n_val: dataset.map(held_out),
        n_test: dataset.map(|dataset| dataset.test.len()),
    };
    compile(Request {
        path: Path::new("resolved.net"),
        text: &resolved_text(spec, 0),
        overrides: &[],
        load: &mut |_| Err("it imports nothing".to_owned()),
        describe: &|_| Ok(description.clone()),
        check: check::Options::without_witnesses(),
    })
}
