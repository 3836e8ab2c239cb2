//! A small reader of XML: tags that close, attributes that are quoted, ids that are unique, coordinates inside.

use std::collections::BTreeSet;

/// Panics unless the text is well formed, its ids are unique, and what an `svg` draws lies in its view box.
pub(crate) fn check(text: &str) {
    let (mut open, mut ids): (Vec<String>, BTreeSet<String>) = (vec![], BTreeSet::new());
    let mut size = (f64::INFINITY, f64::INFINITY);
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        plain(before);
        let end = tag.find('>').expect("a tag ends");
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let closed = attributes.ends_with('/');
        let attributes = attributes.trim_end_matches('/');
        for (key, value) in pairs(attributes) {
            plain(value);
            let is_word = matches!(key, "aria-label" | "id" | "aria-labelledby");
            assert!(is_word || !value.contains("NaN") && !value.contains("inf"), "{key}={value}");
            match key {
                "id" => assert!(ids.insert(value.to_owned()), "{value} twice"),
                "viewBox" => {
                    let parts: Vec<f64> = value.split(' ').map(|n| n.parse().unwrap()).collect();
                    size = (parts[2], parts[3]);
                }
                "d" => path(value, size),
                "x" => within(value.parse().unwrap(), size.0, value),
                "y" => within(value.parse().unwrap(), size.1, value),
                _ => {}
            }
        }
        if !closed {
            open.push(name.to_owned());
        }
    }
    plain(rest);
    assert!(open.is_empty(), "{open:?}");
}

fn pairs(mut text: &str) -> Vec<(&str, &str)> {
    let mut out = vec![];
    while let Some((key, rest)) = text.split_once("=\"") {
        let (value, rest) = rest.split_once('"').expect("a value ends");
        out.push((key.trim(), value));
        text = rest;
    }
    assert!(text.trim().is_empty(), "{text}");
    out
}

/// No markup, no bare ampersand, no character that XML forbids.
fn plain(text: &str) {
    assert!(!text.contains(['<', '>', '"']));
    for (at, _) in text.match_indices('&') {
        let names = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(names.iter().any(|name| text[at..].starts_with(name)), "{text}");
    }
    let forbidden =
        |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!text.contains(forbidden));
}

fn within(value: f64, most: f64, text: &str) {
    assert!(
        value.is_finite() && value >= -0.05 && value <= most + 0.05,
        "{value} of {most}: {text}"
    );
}

/// Absolute moves and lines, relative boxes and arcs.
fn path(text: &str, size: (f64, f64)) {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_ascii_alphabetic() { format!(" {c} ") } else { c.to_string() })
        .collect();
    let mut at = (0.0, 0.0);
    let mut words = spaced.split_whitespace().peekable();
    while let Some(command) = words.next() {
        let mut numbers = vec![];
        while let Some(number) = words.peek().and_then(|word| word.parse::<f64>().ok()) {
            numbers.push(number);
            words.next();
        }
        match (command, numbers.as_slice()) {
            ("M" | "L", [x, y]) => at = (*x, *y),
            ("h", [dx]) => at.0 += dx,
            ("v", [dy]) => at.1 += dy,
            ("a", [_, _, _, _, _, dx, dy]) => at = (at.0 + dx, at.1 + dy),
            ("z" | "Z", []) => {}
            _ => panic!("{command} {numbers:?} in {text}"),
        }
        within(at.0, size.0, text);
        within(at.1, size.1, text);
    }
}
