//! What a report is made of: runs with their records and measures, in groups and facets.

use std::path::Path;

use super::taken::{Detail, Taken};
use crate::chart::{Palette, Slot};
use crate::measure::probability_scale;
use crate::store::StoreError;
use crate::study::{Row, open_logits, stored_logits};
use crate::train::{EpochRecord, Record, StepRecord, Summary};

/// Steps of a run that are drawn.
const STEPS: usize = 200;

/// A run, or a file of logits.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its directory or its file.
    pub name: String,
    /// The run.
    pub row: Option<Row>,
    /// Its whole epochs.
    pub(super) epochs: Vec<EpochRecord>,
    /// Some of its steps, from the first to the last.
    pub(super) steps: Vec<StepRecord>,
    /// Measures of its training set.
    pub(super) train: Option<Taken>,
    /// Measures of its test set, or of the file.
    pub(super) test: Option<Taken>,
}

/// Runs that stand for one method.
#[derive(Clone, Debug)]
pub struct Group {
    /// What it is called, the same in all facets.
    pub label: String,
    /// Its colour in all figures.
    pub slot: Slot,
    /// Its runs.
    pub members: Vec<Member>,
}

/// Groups under equal circumstances: the value of each axis that has no colours.
#[derive(Clone, Debug)]
pub struct Facet {
    /// `train.lr = 0.1`; empty where there is one facet.
    pub name: String,
    /// Its groups, in the order of their colours.
    pub groups: Vec<Group>,
}

impl Facet {
    /// Groups by their labels; `order` has all labels of the page, so that each has one colour in all facets.
    pub fn new(name: String, order: &[String], groups: Vec<(String, Vec<Member>)>) -> Self {
        let palette = Palette::new(order.iter().cloned());
        let group = |(label, members): (String, Vec<Member>)| {
            let slot = palette.slot(&label);
            Group { label, slot, members }
        };
        Self { name, groups: groups.into_iter().map(group).collect() }
    }
}

/// The names of classes.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Of each class; empty where they are not known.
    pub classes: Vec<String>,
    /// Of each super-class.
    pub super_classes: Vec<String>,
}

impl Member {
    /// A run with what it stored.
    ///
    /// # Errors
    /// [`StoreError`] where a file of the run is damaged.
    pub fn of_run(row: Row, detail: Detail) -> Result<Self, StoreError> {
        let (mut epochs, mut steps) = (vec![], vec![]);
        for record in row.run.thinned_records(STEPS)? {
            match record {
                Record::Epoch(epoch) if !epoch.partial => epochs.push(epoch),
                Record::Step(step) => steps.push(step),
                Record::Epoch(_) | Record::Scaling(_) => {}
            }
        }
        let taken = |split: &str| -> Result<Option<Taken>, StoreError> {
            let stored = stored_logits(&row.run, split)?;
            Ok(stored
                .filter(|(_, scale)| scale.is_finite())
                .map(|(logits, scale)| Taken::of(&logits, scale, detail)))
        };
        let test = taken("test")?;
        // Training sets are large, and groups are compared by their test sets.
        let train = if detail == Detail::Samples { taken("train")? } else { None };
        let name = row.run.path().display().to_string();
        Ok(Self { name, epochs, steps, train, test, row: Some(row) })
    }

    /// A file of logits.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read or holds no logits.
    pub fn of_file(path: &Path, detail: Detail) -> Result<Self, StoreError> {
        let logits = open_logits(path)?;
        let scale = probability_scale(logits.scalars());
        let test = scale.is_finite().then(|| Taken::of(&logits, scale, detail));
        let name = path.display().to_string();
        Ok(Self { name, row: None, epochs: vec![], steps: vec![], train: None, test })
    }

    /// Its summary, where it is finished.
    pub(super) fn summary(&self) -> Option<&Summary> {
        self.row.as_ref()?.run.summary()
    }

    /// Its seed.
    pub(super) fn seed(&self) -> Option<u64> {
        Some(self.row.as_ref()?.run.identity().seed)
    }
}

impl Named {
    /// A class by its name, or by its number.
    pub(super) fn class(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// A super-class by its name, or by its number.
    pub(super) fn super_class(&self, class: usize) -> String {
        self.super_classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

/// Every member of every facet.
pub(super) fn members(facets: &[Facet]) -> impl Iterator<Item = &Member> {
    facets.iter().flat_map(|facet| &facet.groups).flat_map(|group| &group.members)
}
