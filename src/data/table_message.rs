//! What is said of tables and labels that look right by themselves: the rest of a message whose title and places are there.

use std::path::Path;

use super::message::clip;
use super::synthetic::MAX_CLASSES;
use crate::diag::Diagnostic;

/// A label of arrays outside `base..base + classes`; [`MAX_CLASSES`] stand for a number that the spec leaves open.
pub(super) fn label(start: Diagnostic, found: i64, classes: usize, base: u32) -> Diagnostic {
    let largest = (classes as u64 + u64::from(base)).saturating_sub(1);
    let open = classes == MAX_CLASSES;
    let start = start.expected(if open {
        format!("{base} to {largest}")
    } else {
        format!("{base} to {largest}, for {classes} classes")
    });
    start.help(if found == 0 && base == 1 {
        "leave out `label_base=1` if labels count from 0"
    } else if found < 0 {
        "drop the samples without a label, or give them a class of their own"
    } else if found == classes as i64 && base == 0 && !open {
        "check that the file belongs to this data set; if its labels count from 1, say `label_base=1`"
    } else if open {
        "number the classes 0 to K − 1"
    } else {
        "check that the file belongs to this data set, or state `classes`"
    })
}

/// Two columns of the label's name.
pub(super) fn two_columns(start: Diagnostic, name: &str, columns: (usize, usize)) -> Diagnostic {
    let name = clip(name, 40);
    start
        .note(format!("found: `{name}` in fields {} and {}", columns.0, columns.1))
        .expected(format!("one column `{name}`"))
        .help("rename the other one in the header, or remove it")
}

/// A field that goes on in the next line.
pub(super) fn quote(start: Diagnostic, file: &Path, line: u64, column: usize) -> Diagnostic {
    start
        .note(format!("file: {}:{line}, field {column}", file.display()))
        .note("found: a field that goes on over fields of the next line")
        .expected("a second double quote at the end of the field")
        .help("close the quote, or double it (`\"\"`) where it is part of the field")
}

/// Features of two tables that differ.
pub(super) fn features(
    start: Diagnostic,
    number: usize,
    train: &str,
    test: &str,
    reordered: bool,
) -> Diagnostic {
    let (train, test) = (clip(train, 40), clip(test, 40));
    let start = start
        .note(format!("found: feature {number} is `{train}` in training and `{test}` in test"))
        .expected("the same features in the same order");
    if reordered {
        start.help("bring the columns of the test table into the order of the training table")
    } else {
        start.help("check that both files belong to one data set; where they do, use one header")
    }
}

/// Labels that are all the same.
pub(super) fn one_class(start: Diagnostic, label: &str) -> Diagnostic {
    start
        .note(format!("found: every label is `{}`", clip(label, 40)))
        .expected("labels of two classes or more, or their number as `classes`")
        .help("check which column holds the labels; if others may occur, state `classes`")
}
