//! `resolved.net`, looked at again: where things stand in it, and which of its settings cannot act.

use std::path::Path;

use super::{Experiment, resolved_text};
use crate::check;
use crate::compile::{Compiled, Request, compile};
use crate::data::{Dataset, Description, Split};
use crate::diag::{Code, Diagnostic, Span};
use crate::train::{Resolved, Seen, Spot};

/// Warnings of settings that cannot act, whoever starts the run and however.
const IDLE: [Code; 5] = [Code::W0203, Code::W0204, Code::W0205, Code::W0206, Code::W0208];

impl Resolved for Experiment<'_> {
    fn look(&self, dataset: &Dataset, places: &[Option<Spot>]) -> Seen {
        let spec = self.spec();
        let description = Description {
            sample_shape: spec.sample_shape.clone(),
            classes: spec.classes,
            n_train: Some(dataset.train.len()),
            n_val: Some(dataset.val.as_ref().map_or(0, Split::len)),
            n_test: Some(dataset.test.len()),
        };
        let compiled = compile(Request {
            path: Path::new("resolved.net"),
            text: &resolved_text(spec, 0),
            overrides: &[],
            load: &mut |_| Err("it imports nothing".to_owned()),
            describe: &|_| Ok(description.clone()),
            check: check::Options::without_witnesses(),
        });
        let line = |span| compiled.sources.position(span).line;
        let idle = compiled.diagnostics.iter().filter(|found| IDLE.contains(&found.code));
        let with_line = |found: &Diagnostic| {
            (found.clone(), found.labels.first().map(|label| line(label.span)))
        };
        let of_place = |place: &Option<Spot>| place.as_ref().and_then(|at| span(&compiled, at));
        Seen {
            idle: idle.map(with_line).collect(),
            lines: places.iter().map(|place| of_place(place).map(line)).collect(),
        }
    }
}

/// Where a place stands in a text.
fn span(compiled: &Compiled, place: &Spot) -> Option<Span> {
    let (spec, checked) = compiled.sound()?;
    Some(match place {
        Spot::Net => spec.net.span,
        Spot::Loss => spec.loss.span,
        Spot::Layer(name) => {
            checked.graph().layers.iter().find(|layer| layer.name == *name)?.origin
        }
    })
}
