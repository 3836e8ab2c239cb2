//! What the paths of a report stand for: a run, a file of logits, or runs in groups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::judged::{self, Judgement};
use super::open::{Asked, dataset};
use super::{Detail, Facet, Member, Named, Pictures, Study};
use crate::data::Locations;
use crate::experiment::compile_run;
use crate::store::{RunDir, StoreError};
use crate::study::{QueryError, Row, RunGroup, SweepDocument, USUAL_LEVEL, find, usual_measures};

/// Groups up to which classes are compared, for which their names are wanted.
const NAMED_GROUPS: usize = 4;

/// What is to be told of.
pub(super) enum Subject {
    Run(Box<Row>),
    File(PathBuf),
    Study(Box<Study>),
}

/// Finds out what the paths stand for.
pub(super) fn subject(asked: &Asked<'_>) -> Result<Subject, QueryError> {
    let [path] = asked.paths else { return groups(asked) };
    let place = Path::new(path);
    if place.is_file() {
        return Ok(Subject::File(place.to_owned()));
    }
    if !place.is_dir() {
        return groups(asked);
    }
    let mut rows = find(&[place.to_owned()])?;
    if RunDir::is_run(place) || rows.len() == 1 {
        return match rows.pop() {
            Some(row) => Ok(Subject::Run(Box::new(row))),
            None => Err(StoreError::NotARun { path: place.to_owned() }.into()),
        };
    }
    if rows.is_empty() {
        return Err(QueryError::Usage(format!("there is no run below `{path}`")));
    }
    match SweepDocument::read(place)? {
        Some(document) => sweep(place, &document, rows, asked.locations),
        None => several(path, rows, asked.locations),
    }
}

/// The runs of a sweep: one colour a label of the first axis, a panel for each combination of the others.
fn sweep(
    root: &Path,
    document: &SweepDocument,
    rows: Vec<Row>,
    locations: &Locations,
) -> Result<Subject, QueryError> {
    let used = |key: &str| {
        rows.iter().filter_map(|row| row.labels.get(key)).collect::<BTreeSet<_>>().len()
    };
    let varied: Vec<_> = document.axes.iter().filter(|axis| used(&axis.key) > 1).collect();
    let Some((colour, others)) = varied.split_first() else {
        return several(&root.display().to_string(), rows, locations);
    };
    let mut notes = vec![];
    let all = rows.len();
    let mut cells: BTreeMap<Vec<usize>, BTreeMap<usize, Vec<Row>>> = BTreeMap::new();
    for row in rows {
        let place = |axis: &crate::study::AxisEntry| {
            let label = row.labels.get(&axis.key)?;
            axis.labels.iter().position(|known| known == label)
        };
        let Some(own) = place(colour) else { continue };
        let facet = others.iter().map(|axis| place(axis).map_or(0, |at| at + 1)).collect();
        cells.entry(facet).or_default().entry(own).or_default().push(row);
    }
    let taken: usize = cells.values().flat_map(BTreeMap::values).map(Vec::len).sum();
    if taken < all {
        notes.push(format!(
            "{} runs here have no value of {} and are left out.",
            all - taken,
            colour.key
        ));
    }
    let first = cells.values().flat_map(BTreeMap::values).flatten().next();
    let judged =
        first.map_or_else(Judgement::default, |row| judged::judge(root, document, row, locations));
    notes.extend(judged.notes);
    let facets = cells.into_iter().map(|(at, groups)| {
        let parts = others.iter().zip(&at).filter(|(_, at)| **at > 0);
        let names: Vec<String> =
            parts.map(|(axis, at)| format!("{} = {}", axis.key, axis.labels[at - 1])).collect();
        let groups =
            groups.into_iter().map(|(own, rows)| Ok((colour.labels[own].clone(), members(rows)?)));
        let groups = groups.collect::<Result<_, StoreError>>()?;
        Ok(Facet::new(names.join(", "), &colour.labels, groups))
    });
    let facets: Vec<Facet> = facets.collect::<Result<_, StoreError>>()?;
    let others: Vec<&str> = others.iter().map(|axis| axis.key.as_str()).collect();
    Ok(study(
        Study {
            kind: "Sweep".to_owned(),
            title: document.spec.clone(),
            facets,
            axes: (colour.key.clone(), others.join(", ")),
            claims: judged.claims,
            comparison: None,
            spec: judged.spec,
            notes,
            named: Named::default(),
            pictures: Pictures::default(),
        },
        locations,
    ))
}

/// Runs without labels: those of one spec are a group.
fn several(title: &str, rows: Vec<Row>, locations: &Locations) -> Result<Subject, QueryError> {
    let mut names: Vec<(String, Vec<Row>)> = vec![];
    for row in rows {
        let hash = row.run.identity().spec_hash.clone();
        match names.iter_mut().find(|(known, _)| *known == hash) {
            Some((_, own)) => own.push(row),
            None => names.push((hash, vec![row])),
        }
    }
    let labelled = names.into_iter().map(|(hash, rows)| {
        let name = match rows.as_slice() {
            [one] => last(&one.run.path().display().to_string()),
            _ => hash.chars().take(12).collect(),
        };
        (name, rows)
    });
    let groups = labelled.map(|(name, rows)| Ok((name, members(rows)?)));
    let groups: Vec<(String, Vec<Member>)> = groups.collect::<Result<_, StoreError>>()?;
    Ok(study(plain("Runs", title, "spec", groups), locations))
}

/// Groups as they are named, each a colour.
fn groups(asked: &Asked<'_>) -> Result<Subject, QueryError> {
    let (mut named, mut found) = (vec![], vec![]);
    for path in asked.paths {
        let place = Path::new(path);
        let mut members =
            if place.is_dir() { members(find(&[place.to_owned()])?)? } else { vec![] };
        let group = RunGroup::named(path)?;
        if !place.is_dir() {
            members.extend(self::members(group.rows().cloned().collect())?);
            let files = group.files().map(|file| Member::of_file(file, Detail::Curves));
            members.extend(files.collect::<Result<Vec<_>, _>>()?);
        }
        if members.is_empty() {
            return Err(QueryError::Usage(format!("`{path}` has no run")));
        }
        found.push((group.name.clone(), members));
        named.push(group);
    }
    let mut notes = vec![];
    let comparison =
        (named.len() > 1).then(|| asked.deeper.compare(&named, &usual_measures(), USUAL_LEVEL));
    let comparison = match comparison {
        Some(Ok(comparison)) => Some(comparison),
        Some(Err(error)) if asked.deeper.is_asked() => return Err(error.into()),
        Some(Err(error)) => {
            notes.push(format!("The groups are not compared: {error}."));
            None
        }
        None => None,
    };
    notes.extend(comparison.iter().flat_map(|comparison| comparison.notes.iter().cloned()));
    if let Some(comparison) = &comparison {
        let differing = comparison.differing.iter().map(|one| one.key.clone());
        let keys: Vec<String> = differing.collect();
        if !keys.is_empty() {
            notes.push(format!("The specs of the groups differ in {}.", keys.join(", ")));
        }
    }
    let mut groups: Vec<(String, Vec<Member>)> = vec![];
    for (name, members) in found {
        let short = last(&name);
        let is_taken = groups.iter().any(|(known, _)| *known == short);
        groups.push((if is_taken { name } else { short }, members));
    }
    let title = groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" · ");
    let kind = if named.len() > 1 { "Comparison" } else { "Runs" };
    let study = Study { comparison, notes, ..plain(kind, &title, "group", groups) };
    Ok(self::study(study, asked.locations))
}

/// A study of groups that differ in one thing.
fn plain(kind: &str, title: &str, axis: &str, groups: Vec<(String, Vec<Member>)>) -> Study {
    let labels: Vec<String> = groups.iter().map(|(name, _)| name.clone()).collect();
    Study {
        kind: kind.to_owned(),
        title: title.to_owned(),
        facets: vec![Facet::new(String::new(), &labels, groups)],
        axes: (axis.to_owned(), String::new()),
        claims: vec![],
        comparison: None,
        spec: None,
        notes: vec![],
        named: Named::default(),
        pictures: Pictures::default(),
    }
}

/// With its data, where classes are named or samples are shown.
fn study(mut study: Study, locations: &Locations) -> Subject {
    let moved = study.comparison.as_ref().and_then(|comparison| comparison.samples.as_ref());
    if let [facet] = study.facets.as_slice()
        && (moved.is_some() || facet.groups.len() <= NAMED_GROUPS)
    {
        let mut rows = facet.groups.iter().flat_map(|g| &g.members).filter_map(|m| m.row.as_ref());
        let data = rows.next().and_then(|row| {
            let dir = row.run.path();
            let (compiled, places) = compile_run(dir, locations);
            dataset(&compiled, &places).ok()
        });
        if let Some(data) = data {
            study = study.with_data(&data);
        }
    }
    Subject::Study(Box::new(study))
}

/// Runs in the order of their seeds.
fn members(mut rows: Vec<Row>) -> Result<Vec<Member>, StoreError> {
    rows.sort_by_key(|row| row.run.identity().seed);
    rows.into_par_iter().map(|row| Member::of_run(row, Detail::Curves)).collect()
}

/// The last part of a path, or what is no path as it is.
fn last(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
