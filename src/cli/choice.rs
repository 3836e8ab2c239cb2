//! An argument that is one of a few words.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Words, each with its help and what it stands for.
pub(super) type Words<T> = &'static [(&'static str, &'static str, T)];

/// Reads one of `words`.
pub(super) fn choice<T>(words: Words<T>) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let possible = words.iter().map(|(word, help, _)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(possible).map(|given| {
        let found = words.iter().find(|(word, ..)| *word == given);
        found.expect("no other word passes").2
    })
}
