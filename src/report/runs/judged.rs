//! The claims of the spec that a sweep was made from.

use std::path::{Path, PathBuf};

use crate::check;
use crate::compile::files::{Request, Texts};
use crate::data::Locations;
use crate::experiment::{self, Machine};
use crate::store::read_spec;
use crate::study::{Judged, Row, Study, SweepDocument, stored, verdicts};

/// What there is of claims.
#[derive(Default)]
pub(super) struct Judgement {
    /// With their verdicts.
    pub(super) claims: Vec<Judged>,
    /// The text of the spec.
    pub(super) spec: Option<String>,
    /// Why there are none, where there should be some.
    pub(super) notes: Vec<String>,
}

/// Judges the claims by the runs below `root`. The spec is the file that the sweep was made from where it is still there, else
/// the copy that `row`, one of its runs, keeps.
pub(super) fn judge(
    root: &Path,
    document: &SweepDocument,
    row: &Row,
    locations: &Locations,
) -> Judgement {
    let dir = row.run.path();
    let folder = experiment::spec_folder(dir);
    let name = format!("{}.net", document.spec);
    let original: Option<PathBuf> = folder.as_ref().map(|folder| folder.join(&name));
    let copy = dir.join("spec.net");
    let path = original.clone().filter(|path| path.is_file()).unwrap_or_else(|| copy.clone());
    let mut judgement = Judgement { spec: read_spec(&path).ok(), ..Judgement::default() };
    let Ok(texts) = Texts::read(&path) else { return judgement };
    let locations = locations.beside(folder.as_deref());
    let cells = texts.cells(&Request {
        // Imports are looked for beside the original.
        spec: original.as_deref().unwrap_or(&copy),
        overrides: &[],
        locations: &locations,
        check: check::Options::without_witnesses(),
    });
    if cells.file.fault().is_some() {
        judgement.notes.push("The claims are not judged: the spec has errors today.".to_owned());
        return judgement;
    }
    if cells.claims.is_empty() {
        return judgement;
    }
    let machine = Machine::default().like(row.run.identity());
    let study = Study::of(&cells, &machine, Some(root));
    match stored(study.runs()).and_then(|made| verdicts(&cells.claims, &study, &made)) {
        Ok(claims) => judgement.claims = claims,
        Err(error) => judgement.notes.push(format!("The claims are not judged: {error}.")),
    }
    judgement
}
