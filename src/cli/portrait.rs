//! What `diff` and `snapshot` share: what is looked at of what a spec compiles to, and how differences are told.

use std::path::{Path, PathBuf};

use super::choice::{Words, choice};
use crate::compile::{Compiled, files};
#[cfg(feature = "exec")]
use crate::experiment;
use crate::portrait::{Difference, Portrait, STAGES, Stage};
use crate::terminal::{Outcome, Terminal, environment};

/// The arguments of both.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PortraitArgs {
    /// Changes to what is a spec; runs are taken as they are.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// Stages to look at [default: all; of a snapshot those that it has].
    #[arg(long, value_parser = choice(WORDS), value_delimiter = ',', value_name = "STAGE,…")]
    stages: Vec<Stage>,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// `--stages`.
const WORDS: Words<Stage> = &[
    ("graph", "Items, settings, layers", Stage::Graph),
    ("facts", "Degrees, R, symmetries", Stage::Facts),
    ("joint", "Operations of a training step", Stage::Joint),
    ("plan", "Kernels", Stage::Plan),
];

impl PortraitArgs {
    /// The stages that are asked for; nothing where all are.
    pub(super) fn asked(&self) -> Option<Vec<Stage>> {
        (!self.stages.is_empty()).then(|| self.stages.clone())
    }

    /// The stages that are asked for.
    pub(super) fn stages(&self) -> Vec<Stage> {
        self.asked().unwrap_or_else(|| STAGES.to_vec())
    }

    /// The portrait of a spec, or of what a run was made of, with these stages; what is wrong with it is reported.
    pub(super) fn portrait(
        &self,
        path: &Path,
        stages: &[Stage],
        terminal: &mut Terminal,
    ) -> Result<Portrait, Outcome> {
        let compiled = self.compiled(path);
        // Warnings are for `check`.
        let outcome = Outcome::from(&compiled);
        if outcome != Outcome::Ok {
            terminal.report(&compiled.diagnostics, &compiled.sources);
            return Err(outcome);
        }
        match Portrait::of(&compiled) {
            Ok(mut portrait) => {
                portrait.stages.retain(|stage, _| stages.contains(stage));
                Ok(portrait)
            }
            Err(errors) => {
                terminal.report(&errors, &compiled.sources);
                Err(Outcome::of(&errors))
            }
        }
    }

    fn compiled(&self, path: &Path) -> Compiled {
        let locations = environment::locations(self.data_dir.as_deref());
        #[cfg(feature = "exec")]
        if path.is_dir() {
            return experiment::compile_run(path, &locations).0;
        }
        files::facts(path, &self.overrides, &locations.beside(path.parent()))
    }
}

/// What the differences say: 1 where there are some.
pub(super) fn outcome(found: &[Difference]) -> Outcome {
    if found.is_empty() { Outcome::Ok } else { Outcome::Failed }
}
