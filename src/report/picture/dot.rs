//! A picture as Graphviz text; frames are clusters.

use std::fmt::Write as _;

use super::Picture;

/// The picture as a `digraph`.
pub fn dot(picture: &Picture) -> String {
    let mut text = String::from(
        "digraph net {\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
    );
    // Writing to a string cannot fail.
    level(&mut text, picture, None, 1);
    for (from, to) in &picture.arrows {
        let _ = writeln!(text, "  b{from} -> b{to};");
    }
    text.push_str("}\n");
    text
}

/// The boxes that stand directly in a frame, and the frames inside it.
fn level(text: &mut String, picture: &Picture, frame: Option<usize>, depth: usize) {
    let indent = "  ".repeat(depth);
    for (i, drawn) in picture.boxes.iter().enumerate().filter(|(_, drawn)| drawn.frame == frame) {
        let (fill, line) = drawn.style.colours();
        let head = format!("{}  {}", drawn.title, drawn.shape);
        let notes = drawn.notes.iter().map(ToString::to_string);
        let lines = std::iter::once(head).chain(notes).map(|line| escaped(&line));
        let label = lines.collect::<Vec<_>>().join("\\n");
        let _ = writeln!(
            text,
            "{indent}b{i} [label=\"{label}\", fillcolor=\"{fill}\", color=\"{line}\"];"
        );
    }
    let inside = picture.frames.iter().enumerate().filter(|(_, inner)| inner.parent == frame);
    for (i, inner) in inside {
        let _ = writeln!(text, "{indent}subgraph cluster{i} {{");
        let _ = writeln!(text, "{indent}  label=\"{}\";", escaped(&inner.title()));
        level(text, picture, Some(i), depth + 1);
        let _ = writeln!(text, "{indent}}}");
    }
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
    use super::escaped;

    #[test]
    fn quotes_are_escaped() {
        assert_eq!(escaped("a\"b\\c"), r#"a\"b\\c"#);
    }
}
