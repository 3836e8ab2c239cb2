//! The classes that the labels of tables stand for.
//!
//! In: the training table as read. Out: the number of classes and the class of each row, also of a test table.

use std::path::Path;

use super::error::DataError;
use super::synthetic::MAX_CLASSES;
use super::table::Table;

/// The classes that the labels of a training table stand for.
///
/// If every label is a whole number, the class is its distance from `label_base`. Otherwise labels are names and classes are
/// numbered in the order of their bytes.
#[derive(Debug)]
pub(super) struct Classes {
    /// The number of classes.
    pub(super) count: usize,
    /// Sorted names; `None` where labels are numbers.
    pub(super) names: Option<Vec<String>>,
    /// The label of class 0, where labels are numbers.
    base: u32,
}

impl Classes {
    /// Classes of the training table; `stated` is the number in the spec.
    pub(super) fn of(
        file: &Path,
        table: &Table,
        stated: Option<usize>,
        base: u32,
    ) -> Result<Self, DataError> {
        let number = |name: &str| name.parse::<u32>().ok();
        let numbers: Option<Vec<u32>> = table.names.iter().map(|(name, _)| number(name)).collect();
        if let Some(numbers) = numbers {
            let largest = numbers.iter().max().map_or(0, |&n| n as usize);
            let count = (largest + 1).saturating_sub(base as usize).min(MAX_CLASSES);
            return Ok(Self { count: stated.unwrap_or(count), names: None, base });
        }
        for (name, line) in &table.names {
            // A number that is no class is a regression target or a mistake, not a name.
            if name.parse::<f64>().is_ok() && number(name).is_none() {
                let expected = "a whole number from 0, or a name";
                return Err(table.label_error(file, name, *line, expected));
            }
        }
        if let Some((name, line)) = lone_name(table) {
            let expected = "a whole number, as all other labels; if the first row is a header, say `header=true`";
            return Err(table.label_error(file, name, *line, expected));
        }
        if base != 0 {
            return Err(DataError::Setting {
                name: "label_base",
                found: format!("{base}, with the label `{}`", table.names[0].0),
                expected: "labels that are whole numbers",
            });
        }
        let mut names: Vec<String> = table.names.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        Ok(Self { count: stated.unwrap_or(names.len()), names: Some(names), base })
    }

    /// The class of each row of a table.
    pub(super) fn labels(&self, file: &Path, table: &Table) -> Result<Vec<u32>, DataError> {
        let class = |(name, line): &(String, u64)| match &self.names {
            None => {
                let number = name.parse::<u32>().ok();
                match number.map(|number| number.checked_sub(self.base)) {
                    Some(Some(class)) if (class as usize) < self.count => Ok(class),
                    found => {
                        let expected = match found {
                            Some(None) => {
                                "a whole number from 1, since `label_base=1`; leave it out if labels count from 0"
                            }
                            _ if self.count == MAX_CLASSES => "a class number up to 65535",
                            _ if self.base != 0 => "a class number up to `classes`",
                            _ if number.is_some_and(|n| n as usize == self.count) => {
                                "a class number below `classes`; if labels count from 1, say `label_base=1`"
                            }
                            _ => "a class number below `classes`",
                        };
                        Err(table.label_error(file, name, *line, expected))
                    }
                }
            }
            Some(names) => match names.binary_search(name) {
                Ok(class) if class < self.count => Ok(class as u32),
                _ => Err(table.label_error(file, name, *line, "a label of the training rows")),
            },
        };
        let classes: Vec<u32> = table.names.iter().map(class).collect::<Result<_, _>>()?;
        Ok(table.labels.iter().map(|&label| classes[label as usize]).collect())
    }
}

/// The one label that is no whole number, if a single row has it and all others are numbers.
fn lone_name(table: &Table) -> Option<&(String, u64)> {
    let is_word = |(name, _): &(String, u64)| name.parse::<u32>().is_err();
    let lone = table.names.iter().position(is_word)?;
    let words = table.names.iter().filter(|&label| is_word(label)).count();
    let rows = table.labels.iter().filter(|&&label| label as usize == lone).count();
    // With two labels the other one may be a name that happens to be a number.
    (words == 1 && rows == 1 && table.names.len() > 2).then(|| &table.names[lone])
}
