//! `specc data`: which sets are where, fetching and verifying them.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::data::fetch::{FetchProgress, Patience, fetch_set};
use crate::data::{self, Locations, NamedSet};
use crate::diag::nearest;
use crate::report::data_sets::{self, State, state};

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
/// [`data::DataError`], whose `exit_code` is that of the process, or those of writing to `out`.
pub fn run(
    args: &DataArgs,
    locations: &Locations,
    progress: &mut dyn FetchProgress,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match &args.command {
        DataCommand::List { json: false } => write!(out, "{}", data_sets::text(locations))?,
        DataCommand::List { json: true } => {
            writeln!(out, "{}", serde_json::to_string_pretty(&data_sets::document(locations))?)?;
        }
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
    write!(out, "{}", data_sets::verified(set, &data::verify(set, locations)?))?;
    Ok(())
}
