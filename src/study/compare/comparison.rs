//! The table of a comparison.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::contrast::{BySeed, DifferenceEntry, contrast, family};
use super::differing::{Differing, differing};
use super::{Incomparable, Matched, Moves, RunGroup};
use crate::model::Measure;
use crate::stats::{Crossed, Sample};
use crate::store::StoreError;

/// What was found, `specc.compare/1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The level of all intervals.
    pub level: f64,
    /// The groups in order; the first one is the baseline.
    pub groups: Vec<GroupEntry>,
    /// A row for each measure.
    pub measures: Vec<MeasureEntry>,
    /// In what the specs of the groups differ.
    pub differing: Vec<Differing>,
    /// What a temperature explains, where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Matched>,
    /// How samples moved, for each group but the first, where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<Moves>>,
    /// What a reader should know of the groups: other versions, seeds that are left out.
    pub notes: Vec<String>,
}

/// As one document, with what is to be told of it; `ok` is false where there is none.
pub fn comparison_document(found: Option<&Comparison>, diagnostics: &[Value]) -> Value {
    let mut document = json!({
        "schema": "specc.compare/1",
        "ok": found.is_some(),
        "diagnostics": diagnostics,
    });
    if let (Some(Value::Object(fields)), Some(document)) =
        (found.map(|found| json!(found)), document.as_object_mut())
    {
        document.extend(fields);
    }
    document
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEntry {
    /// Its name.
    pub name: String,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// The directories of its runs; none for files of logits.
    pub runs: Vec<String>,
}

/// A measure over all groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureEntry {
    /// Its path.
    pub measure: String,
    /// For each group: n, mean and standard deviation.
    pub groups: Vec<Spread>,
    /// For each group but the first: the difference to it.
    pub differences: Vec<DifferenceEntry>,
}

/// Numbers of a group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Runs that have the measure.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
}

impl Spread {
    pub(super) fn of(values: &BySeed) -> Self {
        let sample = Sample::of(&values.values().flatten().copied().collect::<Vec<_>>());
        let mean = (sample.n > 0).then_some(sample.mean);
        Self { n: sample.n, mean, sd: sample.deviation() }
    }
}

/// Compares every group with the first one.
///
/// # Errors
/// [`Incomparable`].
pub fn compare(
    groups: &[RunGroup],
    measures: &[Measure],
    level: f64,
) -> Result<Comparison, Incomparable> {
    let [baseline, others @ ..] = groups else { return Err(Incomparable::One) };
    if others.is_empty() {
        return Err(Incomparable::One);
    }
    if let Some(empty) = groups.iter().find(|group| group.members.is_empty()) {
        return Err(Incomparable::Empty(empty.name.clone()));
    }
    same_data(baseline, others)?;
    let seeds = |group: &RunGroup| group.members.iter().map(|member| member.seed).collect();
    let mut found = Comparison {
        level,
        groups: groups
            .iter()
            .map(|group| GroupEntry {
                name: group.name.clone(),
                seeds: seeds(group),
                runs: group.rows().map(|row| row.run.path().display().to_string()).collect(),
            })
            .collect(),
        measures: vec![],
        differing: differing(groups)?,
        matched: None,
        samples: None,
        notes: notes(baseline, others),
    };
    let mut all: Vec<Vec<BySeed>> = vec![];
    for measure in measures {
        let values = groups.iter().map(|group| values(group, measure));
        let values: Vec<BySeed> = values.collect::<Result<_, _>>()?;
        let differences = others.iter().zip(&values[1..]);
        found.measures.push(MeasureEntry {
            measure: measure.to_string(),
            groups: values.iter().map(Spread::of).collect(),
            differences: differences
                .map(|(group, values_of)| contrast(&group.name, values_of, &values[0], level))
                .collect(),
        });
        all.push(values);
    }
    for (other, group) in others.iter().enumerate() {
        let values: Vec<(&BySeed, &BySeed)> =
            all.iter().map(|values| (&values[other + 1], &values[0])).collect();
        let entries = found.measures.iter_mut().map(|entry| &mut entry.differences[other]);
        family(&values, entries.collect());
        for (entry, measure) in found.measures.iter_mut().zip(measures) {
            let entry = &mut entry.differences[other];
            if entry.paired {
                entry.interval_new_images = on_new_images(group, baseline, measure, level)?;
            }
        }
    }
    Ok(found)
}

fn values(group: &RunGroup, measure: &Measure) -> Result<BySeed, StoreError> {
    let mut values = BySeed::new();
    for member in &group.members {
        if let Some(found) = member.value(measure)? {
            values.entry(member.seed).or_default().push(found);
        }
    }
    Ok(values)
}

/// The interval of a share of samples over new seeds and new images.
fn on_new_images(
    group: &RunGroup,
    baseline: &RunGroup,
    measure: &Measure,
    level: f64,
) -> Result<Option<[f64; 2]>, StoreError> {
    let Some((split, counted)) = measure.counted() else { return Ok(None) };
    let mut sides = vec![];
    for member in &group.members {
        if let Some(other) = baseline.members.iter().find(|other| other.seed == member.seed) {
            sides.push((member.counts(split, counted)?, other.counts(split, counted)?));
        }
    }
    Ok(crossed(sides, level))
}

/// What a side counts sample by sample; nothing where it does not know its samples.
pub(super) type Counts = Option<Vec<f64>>;

/// The interval over new seeds and new images of differences of every seed on every image.
pub(super) fn crossed(sides: Vec<(Counts, Counts)>, level: f64) -> Option<[f64; 2]> {
    let mut crossed: Option<Crossed> = None;
    for (left, right) in sides {
        let (left, right) = (left?, right?);
        if left.len() != right.len() {
            return None;
        }
        let differences: Vec<f64> = left.iter().zip(&right).map(|(l, r)| l - r).collect();
        crossed.get_or_insert_with(|| Crossed::new(differences.len())).push(&differences);
    }
    let interval = crossed?.interval(level)?;
    Some([interval.low, interval.high])
}

/// Measures are comparable where they were taken on the same data, as far as that is known.
fn same_data(baseline: &RunGroup, others: &[RunGroup]) -> Result<(), Incomparable> {
    const WHAT: [&str; 3] = ["training samples", "test samples", "classes"];
    let mut sizes = [None; 3];
    let mut data: Option<&str> = None;
    for group in std::iter::once(baseline).chain(others) {
        let differ =
            |what: String| Err(Incomparable::Data(baseline.name.clone(), group.name.clone(), what));
        for member in &group.members {
            for ((known, found), what) in sizes.iter_mut().zip(member.sizes()).zip(WHAT) {
                match (*known, found) {
                    (Some(known), Some(found)) if known != found => {
                        return differ(format!("{known} {what}, and {found}"));
                    }
                    (None, Some(_)) => *known = found,
                    (Some(_) | None, _) => {}
                }
            }
            let own = member.run().and_then(|row| row.run.identity().data.as_deref());
            match (data, own) {
                (Some(known), Some(own)) if known != own => {
                    let short = |hash: &str| hash.chars().take(12).collect::<String>();
                    return differ(format!("data {}, and {}", short(known), short(own)));
                }
                (None, Some(_)) => data = own,
                (Some(_) | None, _) => {}
            }
        }
    }
    Ok(())
}

/// Seeds that have no partner, and cells that hide in one group.
fn notes(baseline: &RunGroup, others: &[RunGroup]) -> Vec<String> {
    let seeds = |group: &RunGroup| {
        group.members.iter().map(|member| member.seed).collect::<BTreeSet<u64>>()
    };
    let groups = || std::iter::once(baseline).chain(others);
    let mut notes = vec![];
    for group in groups() {
        let hashes: BTreeSet<&str> =
            group.rows().map(|row| row.run.identity().spec_hash.as_str()).collect();
        if hashes.len() > 1 {
            notes.push(format!("`{}` holds runs of {} specs together", group.name, hashes.len()));
        }
    }
    let versions: BTreeSet<&str> = groups()
        .flat_map(RunGroup::rows)
        .map(|row| row.run.identity().version.as_deref().unwrap_or("unknown"))
        .collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        notes.push(format!("the runs are of different versions: {}", versions.join(", ")));
    }
    let first = seeds(baseline);
    for group in others {
        let own = seeds(group);
        let alone: Vec<String> =
            first.symmetric_difference(&own).map(ToString::to_string).collect();
        if !alone.is_empty() && alone.len() < first.len() + own.len() {
            notes.push(format!(
                "seeds without a partner in `{}` and `{}` are left out of pairs: {}",
                baseline.name,
                group.name,
                alone.join(", ")
            ));
        }
    }
    notes
}
