//! `specc data`: which sets are where, fetching and verifying them.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fetch_bar::megabytes;
use crate::data::fetch::{FetchProgress, Package, Patience, fetch_set};
use crate::data::{self, DataError, Locations, NamedSet};
use crate::diag::nearest;

/// List, fetch and verify data sets.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,

    /// Never use the network.
    #[arg(long, global = true)]
    pub offline: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum DataCommand {
    /// Show the known sets and where they are.
    List {
        /// Write one JSON document instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Download sets that are not here.
    Fetch {
        /// Sets to fetch.
        #[arg(required = true, value_name = "NAME", value_parser = set)]
        names: Vec<NamedSet>,
    },
    /// Read sets completely; compare SHA-256 where it is known.
    Verify {
        /// Sets to verify.
        #[arg(required = true, value_name = "NAME", value_parser = set)]
        names: Vec<NamedSet>,
    },
    /// Print the folder of a set.
    Path {
        /// The set.
        #[arg(value_name = "NAME", value_parser = set)]
        name: NamedSet,
    },
}

fn set(name: &str) -> Result<NamedSet, String> {
    NamedSet::from_name(name).ok_or_else(|| {
        let known = NamedSet::ALL.map(NamedSet::name);
        match nearest(name, known) {
            Some(near) => format!("no set of this name; did you mean `{near}`?"),
            None => format!("no set of this name; known: {}", known.join(", ")),
        }
    })
}

/// Runs the command.
///
/// # Errors
/// [`DataError`], whose `exit_code` is that of the process, or those of writing to `out`.
pub fn run(
    args: &DataArgs,
    locations: &Locations,
    progress: &mut dyn FetchProgress,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match &args.command {
        DataCommand::List { json: false } => list(locations, out)?,
        DataCommand::List { json: true } => list_json(locations, out)?,
        DataCommand::Fetch { names } => {
            for &name in names {
                fetch(name, args.offline, locations, progress, out)?;
            }
        }
        DataCommand::Verify { names } => {
            for &name in names {
                verify(name, locations, out)?;
            }
        }
        DataCommand::Path { name } => match name.folder() {
            None => writeln!(out, "(part of the program)")?,
            Some(_) => writeln!(out, "{}", locations.find(*name)?.display())?,
        },
    }
    Ok(())
}

/// Where a set is, and how many samples are there.
enum State {
    Embedded,
    Here(PathBuf, usize, usize),
    Damaged(PathBuf, DataError),
    Missing,
}

fn state(set: NamedSet, locations: &Locations) -> State {
    if set.folder().is_none() {
        return State::Embedded;
    }
    let Ok(folder) = locations.find(set) else { return State::Missing };
    match data::counts(set, locations) {
        Ok((n_train, n_test)) => State::Here(folder, n_train, n_test),
        Err(error) => State::Damaged(folder, error),
    }
}

fn list(locations: &Locations, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{:<9} {:>8} {:>7} {:>9} {:>7}  where",
        "name", "training", "test", "shape", "classes"
    )?;
    for set in NamedSet::ALL {
        let (mut n_train, mut n_test) = set.published_counts();
        let place = match state(set, locations) {
            State::Embedded => "part of the program".to_owned(),
            State::Here(folder, train, test) => {
                (n_train, n_test) = (train, test);
                folder.display().to_string()
            }
            State::Damaged(_, error) => format!("damaged: {error}"),
            State::Missing => {
                let bytes = Package::published(set).map_or(0, |package| package.bytes());
                format!("not here: `specc data fetch {}` ({})", set.name(), megabytes(bytes))
            }
        };
        let shape = set.sample_shape().map(|size| size.to_string()).join("x");
        let (name, classes) = (set.name(), set.classes());
        writeln!(out, "{name:<9} {n_train:>8} {n_test:>7} {shape:>9} {classes:>7}  {place}")?;
    }
    Ok(())
}

fn list_json(locations: &Locations, out: &mut dyn Write) -> anyhow::Result<()> {
    let sets: Vec<_> = NamedSet::ALL
        .into_iter()
        .map(|set| {
            let (state, folder, counts, problem) = match state(set, locations) {
                State::Embedded => ("embedded", None, Some(set.published_counts()), None),
                State::Here(folder, train, test) => {
                    ("here", Some(folder), Some((train, test)), None)
                }
                State::Damaged(folder, error) => {
                    ("damaged", Some(folder), None, Some(error.to_string()))
                }
                State::Missing => ("missing", None, None, None),
            };
            json!({
                "name": set.name(),
                "shape": set.sample_shape(),
                "classes": set.classes(),
                "state": state,
                "path": folder.map(|folder| folder.display().to_string()),
                "n_train": counts.map(|(train, _)| train),
                "n_test": counts.map(|(_, test)| test),
                "problem": problem,
            })
        })
        .collect();
    let document = json!({ "schema": "specc.data/1", "sets": sets });
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}

fn fetch(
    set: NamedSet,
    offline: bool,
    locations: &Locations,
    progress: &mut dyn FetchProgress,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match state(set, locations) {
        State::Embedded => {
            writeln!(out, "{}: part of the program, nothing to fetch", set.name())?;
        }
        State::Here(folder, ..) => {
            writeln!(out, "{}: already in {}", set.name(), folder.display())?;
        }
        State::Damaged(..) | State::Missing => {
            let folder = fetch_set(set, locations, offline, Patience::default(), progress)?;
            writeln!(out, "{}: fetched into {}", set.name(), folder.display())?;
        }
    }
    Ok(())
}

fn verify(set: NamedSet, locations: &Locations, out: &mut dyn Write) -> anyhow::Result<()> {
    let found = data::verify(set, locations)?;
    let place = match &found.folder {
        None => "part of the program".to_owned(),
        Some(folder) => folder.display().to_string(),
    };
    let (n_train, n_test) = (found.n_train, found.n_test);
    writeln!(out, "{}: {n_train} training and {n_test} test samples, {place}", set.name())?;
    for name in &found.hashed {
        writeln!(out, "  {name}: sound, SHA-256 as published")?;
    }
    for name in &found.structure_only {
        writeln!(out, "  {name}: sound; no SHA-256 is known for it")?;
    }
    Ok(())
}
