//! How diagnostics look: the parts of a message, narrow terminals, odd texts and odd places.

use proptest::prelude::*;
use specc::diag::{Code, Diagnostic, FileId, RenderStyle, SourceMap, Span, json, render, sort};

const PLAIN: RenderStyle = RenderStyle { color: false, width: 100 };

fn draw(text: &str, diagnostic: &Diagnostic, width: usize) -> String {
    let mut sources = SourceMap::new();
    sources.add("specs/lenet.net", text);
    render(diagnostic, &sources, RenderStyle { color: false, width })
}

fn span(start: usize, end: usize) -> Span {
    Span::new(FileId(0), start, end)
}

fn example() -> Diagnostic {
    Diagnostic::new(Code::E0101, "`linear` needs a flat input")
        .label(span(10, 20), "found an input of shape [n, 16, 5, 5]")
        .expected("rank 2, [n, features] (linear, C1)")
        .help("insert `flatten` before this layer")
}

#[test]
fn a_message_has_its_five_parts() {
    let expected = "\
error[E0101]: `linear` needs a flat input
 --> specs/lenet.net:2:3
  |
2 |   linear(84)
  |   ^^^^^^^^^^ found an input of shape [n, 16, 5, 5]
  |
  = expected: rank 2, [n, features] (linear, C1)
  = help: insert `flatten` before this layer";
    assert_eq!(draw("net a {\n  linear(84)\n}\n", &example(), 100), expected);
}

#[test]
fn several_files_are_shown_and_sorted() {
    let mut sources = SourceMap::new();
    let a = sources.add("a.net", "let a = 1\n");
    let b = sources.add("b.net", "let a = 2\n");
    let diagnostic = Diagnostic::new(Code::E0101, "`a` is defined twice")
        .label(Span::new(b, 4, 5), "found here")
        .label(Span::new(a, 4, 5), "and here");
    let drawn = render(&diagnostic, &sources, PLAIN);
    assert!(drawn.contains("b.net:1:5") && drawn.contains("a.net:1:5"), "{drawn}");
    let value = json(&diagnostic, &sources);
    let expected = serde_json::json!({
        "code": "E0101", "severity": "error", "message": "`a` is defined twice",
        "file": "b.net", "line": 1, "column": 5, "help": null,
        "labels": [
            { "file": "b.net", "line": 1, "column": 5, "text": "found here" },
            { "file": "a.net", "line": 1, "column": 5, "text": "and here" },
        ],
        "notes": [],
    });
    assert_eq!(value, expected);
    let first = Diagnostic::new(Code::E0102, "x").label(Span::new(a, 0, 1), "y");
    let mut all = vec![diagnostic.clone(), first.clone()];
    sort(&mut all);
    assert_eq!(all, [first, diagnostic]);
    let bare = Diagnostic::new(Code::E0601, "no data");
    assert_eq!(json(&bare, &sources)["line"], serde_json::Value::Null);
    assert_eq!(render(&bare, &sources, PLAIN), "error[E0601]: no data");
}

#[test]
fn narrow_terminals_get_wrapped_notes() {
    let diagnostic =
        example().note("a long note with many words that does not fit on one short line");
    let drawn = draw("net a {\n  linear(84)\n}\n", &diagnostic, 40);
    assert!(
        drawn
            .lines()
            .filter(|l| l.contains(" = ") || !l.contains(['|', '>']))
            .skip(1)
            .all(|l| l.len() <= 40),
        "{drawn}"
    );
}

#[test]
fn a_huge_line_is_cut() {
    let text = format!("let a = {}", "x + ".repeat(200_000));
    let drawn = draw(
        &text,
        &Diagnostic { labels: vec![], ..example() }.label(span(400_000, 400_001), "here"),
        80,
    );
    assert!(drawn.len() < 2000, "{} bytes", drawn.len());
}

proptest! {
    #[test]
    fn nothing_panics(text in "([a-z{}() \\t\\r\n→界\u{301}🙂]|\\PC){0,40}", spans in proptest::collection::vec((0_usize..60, 0_usize..60, "\\PC{0,20}"), 0..4), width in 0_usize..300) {
        let mut diagnostic = Diagnostic::new(Code::E0101, "title").note("note note").help("");
        for (start, end, label) in spans {
            diagnostic = diagnostic.label(span(start.min(end), end.max(start)), label);
        }
        draw(&text, &diagnostic, width);
        let mut sources = SourceMap::new();
        sources.add("a", text.as_str());
        render(&diagnostic, &sources, RenderStyle { color: true, width });
    }
}
