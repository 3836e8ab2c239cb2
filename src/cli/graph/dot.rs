//! A picture as Graphviz text.

use std::fmt::Write as _;

use super::picture::{Picture, Style};

/// The picture as a `digraph`.
pub fn dot(picture: &Picture) -> String {
    let mut text = String::from("digraph net {\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (i, drawn) in picture.boxes.iter().enumerate() {
        let look = match drawn.style {
            Style::End => ", style=rounded",
            Style::Parameters => ", style=filled, fillcolor=\"#dbeafe\"",
            Style::Plain => "",
            Style::Broken => ", style=filled, fillcolor=\"#fecaca\"",
        };
        let lines: Vec<String> = drawn.lines.iter().map(|line| escaped(line)).collect();
        let _ = writeln!(text, "  b{i} [label=\"{}\"{look}];", lines.join("\\n"));
    }
    for (from, to) in &picture.arrows {
        let _ = writeln!(text, "  b{from} -> b{to};");
    }
    text.push_str("}\n");
    text
}

/// Text inside a quoted string: quotes, backslashes and line ends lose their meaning.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::graph::picture::PictureBox;

    #[test]
    fn quotes_are_escaped() {
        let lines = vec!["a\"b\\c".to_owned()];
        let boxes = vec![PictureBox { lines, style: Style::Plain }];
        assert!(dot(&Picture { boxes, arrows: vec![] }).contains(r#"label="a\"b\\c""#));
    }
}
