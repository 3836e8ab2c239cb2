//! The language reference: its examples are complete texts, its constraints are those of the messages.

use std::collections::BTreeMap;

use specc::diag::Code;

use crate::explain::net_fences;
use crate::syntax::assert_formats;

const REFERENCE: &str = include_str!("../../grammar/REFERENCE.md");

#[test]
fn every_example_parses_and_is_formatted() {
    let examples = net_fences(REFERENCE);
    assert!(examples.len() >= 4);
    for example in examples {
        assert_eq!(assert_formats(example), example);
    }
}

/// Constraints of a section or layer, `C3` or `conv C3`, with the codes that their lines name.
fn constraints() -> Vec<(String, Vec<String>)> {
    let mut section = "";
    let mut found = vec![];
    for line in REFERENCE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        }
        let Some((heads, text)) = line.strip_prefix("- ").and_then(|line| line.split_once(". "))
        else {
            continue;
        };
        for head in heads.split(", ") {
            let Some((holder, number)) = head.rsplit_once('C') else { continue };
            if number.parse::<usize>().is_ok() {
                let holder = if holder.is_empty() { section } else { holder.trim() };
                found.push((format!("{holder} C{number}"), codes(text)));
            }
        }
    }
    found
}

/// The codes that a text names.
fn codes(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_code = |word: &&str| {
        word.len() == 5
            && word.starts_with(['E', 'W'])
            && word[1..].chars().all(|c| c.is_ascii_digit())
    };
    words.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn constraints_ascend_and_name_codes_that_exist() {
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (name, codes) in constraints() {
        let (holder, number) = name.rsplit_once(" C").unwrap();
        let number: usize = number.parse().unwrap();
        let before = last.insert(holder.to_owned(), number);
        assert!(before < Some(number), "{name} stands behind C{before:?}");
        for code in codes {
            assert!(code.parse::<Code>().is_ok(), "{name} names {code}");
        }
    }
}

#[test]
fn every_code_of_the_language_stands_in_the_reference() {
    let stated = codes(REFERENCE);
    let of_the_language = |code: &&Code| {
        ["E01", "E02", "E03", "E04", "W02", "W04"].iter().any(|start| code.id().starts_with(start))
    };
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(of_the_language)
        .filter(|code| !stated.contains(&code.id().to_owned()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Messages cite constraints as `(linear, C1)`; the reference states them with the message's code.
#[test]
fn cited_constraints_say_what_the_message_says() {
    let constraints: BTreeMap<_, _> = constraints().into_iter().collect();
    let mut cited = 0;
    for (path, text) in crate::suite::messages() {
        let mut code = "";
        for line in text.lines() {
            if let Some((_, rest)) = line.split_once("error[") {
                code = &rest[..5];
            }
            let Some((_, rest)) = line.split_once(", C") else { continue };
            let Some((number, _)) = rest.split_once(')') else { continue };
            let holder = line.split_once(", C").and_then(|(before, _)| before.rsplit_once('('));
            let (Some((_, holder)), Ok(_)) = (holder, number.parse::<usize>()) else { continue };
            let name = format!("{holder} C{number}");
            let stated = constraints.get(&name);
            assert!(
                stated.is_some_and(|codes| codes.iter().any(|stated| stated == code)),
                "{path:?} cites {name} for {code}; the reference has {stated:?}"
            );
            cited += 1;
        }
    }
    assert!(cited > 10, "{cited}");
}
