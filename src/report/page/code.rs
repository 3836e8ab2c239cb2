//! The text of a spec with its words in colours.

use super::encode::escaped;
use crate::syntax::{WordKind, words};

/// As a `pre` element.
pub(super) fn code(text: &str) -> String {
    let mut out = String::from("<pre class=\"code\" tabindex=\"0\"><code>");
    let mut end = 0;
    for (place, kind) in words(text) {
        out.push_str(&escaped(&text[end..place.start]));
        let word = escaped(&text[place.clone()]);
        match class(kind) {
            Some(class) => out.extend(["<b class=\"", class, "\">", &word, "</b>"]),
            None => out.push_str(&word),
        }
        end = place.end;
    }
    out.push_str(&escaped(&text[end..]));
    out.push_str("</code></pre>\n");
    out
}

fn class(kind: WordKind) -> Option<&'static str> {
    match kind {
        WordKind::Item => Some("ki"),
        WordKind::Keyword => Some("kk"),
        WordKind::Call => Some("kc"),
        WordKind::Number => Some("kn"),
        WordKind::Str => Some("ks"),
        WordKind::Comment => Some("kx"),
        WordKind::Name | WordKind::Symbol => None,
    }
}
