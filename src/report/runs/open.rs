//! From paths to a page: what they stand for is found, opened and shown.

use super::subject::{Subject, subject};
use super::{Detail, Known, Member, groups_page, run_page};
use crate::compile::Compiled;
use crate::data::{self, Dataset, Locations};
use crate::experiment::compile_run;
use crate::report::page::Page;
use crate::store::{read_spec, read_text};
use crate::study::{Deeper, QueryError, Row};

/// The largest `FAILED` that is read, 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// What a page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// A run, several runs, the folder of a sweep, groups by their names, or files of logits.
    pub paths: &'a [String],
    /// What is looked at of groups beyond the table of their comparison.
    pub deeper: Deeper,
    /// Where data is, for names of classes and pictures of samples.
    pub locations: &'a Locations,
}

/// The page of runs, sweeps, groups or files of logits; nothing is fetched for it.
///
/// # Errors
/// [`QueryError`] where the paths name nothing, or it cannot be read.
pub fn page_of(asked: &Asked<'_>) -> Result<Page, QueryError> {
    match subject(asked)? {
        Subject::Run(row) => one(*row, asked.locations),
        Subject::File(path) => {
            let member = Member::of_file(&path, Detail::Samples)?;
            Ok(run_page(&member, Known::default())?)
        }
        Subject::Study(study) => Ok(groups_page(&study)),
    }
}

/// The page of one run with whatever is at hand of its net and its data.
fn one(row: Row, locations: &Locations) -> Result<Page, QueryError> {
    let dir = row.run.path().to_owned();
    let member = Member::of_run(row, Detail::Samples)?;
    let (compiled, locations) = compile_run(&dir, locations);
    let (data, no_data) = match dataset(&compiled, &locations) {
        Ok(data) => (Some(data), None),
        Err(why) => (None, Some(why)),
    };
    let spec = read_spec(&dir.join("resolved.net")).ok();
    let failed = dir.join("FAILED");
    let failure = if failed.is_file() { Some(read_text(&failed, MAX_BYTES)?) } else { None };
    let checked = compiled.checked.as_ref().or(compiled.refused.as_ref());
    let known = Known {
        net: checked.map(|checked| (checked, &compiled.sources)),
        spec: spec.as_deref(),
        data: data.as_ref(),
        no_data: no_data.as_deref(),
        failure: failure.as_deref(),
    };
    Ok(run_page(&member, known)?)
}

/// The data of a run, or why it is not at hand; nothing is fetched for a report.
pub(super) fn dataset(compiled: &Compiled, locations: &Locations) -> Result<Dataset, String> {
    let Some((spec, _)) = compiled.sound() else {
        return Err(
            "The data is not known, because the spec of the run cannot be read here.".to_owned()
        );
    };
    data::load(&spec.data, locations)
        .map_err(|error| format!("Without pictures: the data is not at hand ({error})."))
}
