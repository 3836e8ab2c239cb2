//! The examples of the language reference, each a complete text.

use crate::explain::net_fences;
use crate::syntax::assert_formats;

#[test]
fn every_example_parses_and_is_formatted() {
    let reference = include_str!("../../grammar/REFERENCE.md");
    let examples = net_fences(reference);
    assert!(examples.len() >= 4);
    for example in examples {
        assert_eq!(assert_formats(example), example);
    }
}
