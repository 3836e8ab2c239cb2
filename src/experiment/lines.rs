//! Where things stand in `resolved.net`.

use std::path::Path;

use super::{Experiment, resolved_text};
use crate::check;
use crate::compile::{Request, compile};
use crate::data::Description;
use crate::train::{Lines, Spot};

impl Lines for Experiment<'_> {
    /// Compiles the text again: whoever asks does so once in a run, and not in most.
    fn line(&self, place: &Spot) -> Option<usize> {
        let spec = self.spec();
        let description = Description {
            sample_shape: spec.sample_shape.clone(),
            classes: spec.classes,
            n_train: None,
            n_val: None,
            n_test: None,
        };
        let compiled = compile(Request {
            path: Path::new("resolved.net"),
            text: &resolved_text(spec, 0),
            overrides: &[],
            load: &mut |_| Err("it imports nothing".to_owned()),
            describe: &|_| Ok(description.clone()),
            check: check::Options::without_witnesses(),
        });
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
}
