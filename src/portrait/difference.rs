//! In what two portraits differ, and how that is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::align::{Pair, align};
use super::{Branch, Portrait, Sheet, Stage};

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Both have it, with other values.
    Changed,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where it shows.
    pub stage: Stage,
    /// What became of it.
    pub kind: Kind,
    /// Uses of blocks around it, from the outermost, then the layer as the second names it (the first, where it is removed); nothing
    /// for what is said of the whole.
    pub place: Vec<String>,
    /// What is said: `train.lr`, `shape`; nothing for a layer itself.
    pub key: Option<String>,
    /// In the first.
    pub before: Option<String>,
    /// In the second.
    pub after: Option<String>,
}

/// In what `after` differs from `before`, for the stages that both have.
///
/// The first of these aligns the layers and tells of those that are not in both; the others say in what aligned layers differ.
pub fn differences(before: &Portrait, after: &Portrait) -> Vec<Difference> {
    let both = before.stages.iter().filter_map(|(stage, sheet)| {
        let other = after.stages.get(stage)?;
        Some((*stage, sheet, other))
    });
    let sheets: Vec<(Stage, &Sheet, &Sheet)> = both.collect();
    let mut found: Vec<Vec<Difference>> = vec![];
    for (stage, a, b) in &sheets {
        let mut of_stage = vec![];
        of_keys(*stage, &[], &a.whole, &b.whole, &mut of_stage);
        found.push(of_stage);
    }
    let levels: Vec<Level<'_>> = sheets
        .iter()
        .map(|(stage, a, b)| Level { stage: *stage, before: &a.layers, after: &b.layers })
        .collect();
    of_layers(&levels, &mut vec![], &mut found);
    found.into_iter().flatten().collect()
}

/// The layers of one stage at one place.
#[derive(Clone, Copy)]
struct Level<'a> {
    stage: Stage,
    before: &'a [Branch],
    after: &'a [Branch],
}

fn of_keys(
    stage: Stage,
    place: &[String],
    a: &BTreeMap<String, String>,
    b: &BTreeMap<String, String>,
    found: &mut Vec<Difference>,
) {
    let others = b.keys().filter(|key| !a.contains_key(*key));
    for key in a.keys().chain(others) {
        let (before, after) = (a.get(key), b.get(key));
        if before == after {
            continue;
        }
        let kind = match (before, after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            (Some(_), Some(_)) => Kind::Changed,
        };
        found.push(Difference {
            stage,
            kind,
            place: place.to_vec(),
            key: Some(key.clone()),
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}

fn of_layers(levels: &[Level<'_>], around: &mut Vec<String>, found: &mut [Vec<Difference>]) {
    let Some(Level { stage, before, after }) = levels.first().copied() else { return };
    for pair in align(before, after) {
        let (at_a, at_b) = match pair {
            Pair::Both(a, b) => (a, b),
            Pair::Left(a) => {
                found[0].push(alone(stage, Kind::Removed, around, &before[a]));
                continue;
            }
            Pair::Right(b) => {
                found[0].push(alone(stage, Kind::Added, around, &after[b]));
                continue;
            }
        };
        let (a, b) = (&before[at_a], &after[at_b]);
        around.push(b.name.clone());
        if a.name != b.name && !b.inside.is_empty() {
            found[0].push(Difference {
                stage,
                kind: Kind::Changed,
                place: around.clone(),
                key: Some("call".to_owned()),
                before: Some(a.name.clone()),
                after: Some(b.name.clone()),
            });
        }
        let mut inside = vec![];
        for (level, found) in levels.iter().zip(&mut *found) {
            // Stages that were kept and cut short say less.
            let (Some(a), Some(b)) = (level.before.get(at_a), level.after.get(at_b)) else {
                continue;
            };
            of_keys(level.stage, around, &a.has, &b.has, found);
            inside.push(Level { stage: level.stage, before: &a.inside, after: &b.inside });
        }
        if inside.len() == levels.len() {
            of_layers(&inside, around, found);
        }
        around.pop();
    }
}

/// A layer that only one side has.
fn alone(stage: Stage, kind: Kind, around: &[String], branch: &Branch) -> Difference {
    let said = Some(said(branch));
    let (before, after) = if kind == Kind::Added { (None, said) } else { (said, None) };
    let mut place = around.to_vec();
    place.push(branch.name.clone());
    Difference { stage, kind, place, key: None, before, after }
}

/// A layer in one line.
fn said(branch: &Branch) -> String {
    if branch.inside.is_empty() {
        let has = branch.has.iter().map(|(key, value)| format!("{key} {value}"));
        return has.collect::<Vec<_>>().join("; ");
    }
    match branch.n_layers() {
        1 => "1 layer".to_owned(),
        n => format!("{n} layers"),
    }
}

/// The differences as text, and how many there are.
pub fn counted(differences: &[Difference]) -> String {
    let count = match differences.len() {
        0 => return "no differences".to_owned(),
        1 => "1 difference".to_owned(),
        n => format!("{n} differences"),
    };
    format!("{}\n{count}", text(differences))
}

/// The differences as text, stage by stage.
pub fn text(differences: &[Difference]) -> String {
    let mut text = String::new();
    let mut stage = None;
    for difference in differences {
        if stage != Some(difference.stage) {
            let _ = writeln!(text, "{}", difference.stage.name());
            stage = Some(difference.stage);
        }
        let place = difference.place.iter().map(String::as_str).chain(difference.key.as_deref());
        let place = place.collect::<Vec<_>>().join(" / ");
        let (mark, values) = match (difference.kind, &difference.before, &difference.after) {
            (Kind::Added, _, after) => ("+", after.clone().unwrap_or_default()),
            (Kind::Removed, before, _) => ("-", before.clone().unwrap_or_default()),
            (Kind::Changed, before, after) => {
                let (before, after) = (before.as_deref(), after.as_deref());
                ("~", format!("{} → {}", before.unwrap_or_default(), after.unwrap_or_default()))
            }
        };
        let line = format!("  {mark} {place}: {values}");
        let _ = writeln!(text, "{}", line.trim_end_matches([':', ' ']));
    }
    text
}
