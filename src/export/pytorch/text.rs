//! Values as Python writes them, and lines of at most [`WIDTH`] columns.

/// Columns of a line.
pub(super) const WIDTH: usize = 100;

/// A floating-point number, exactly.
pub(super) fn float(value: f64) -> String {
    format!("{value:?}")
}

/// A text.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One number where both are equal, else a pair.
pub(super) fn pair([rows, columns]: [usize; 2]) -> String {
    if rows == columns { rows.to_string() } else { format!("({rows}, {columns})") }
}

/// Sizes as a tuple: `(3,)`, `(3, 4)`.
pub(super) fn tuple(sizes: &[usize]) -> String {
    match sizes {
        [one] => format!("({one},)"),
        sizes => format!("({})", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// `head` and `tail` around items with commas: in one line where it fits, else filled lines one step further in.
pub(super) fn listed(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    let margin = " ".repeat(indent);
    let one = format!("{margin}{head}{}{tail}", items.join(", "));
    if one.len() <= WIDTH && !items.iter().any(|item| item.contains('\n')) {
        return one;
    }
    let mut lines = vec![format!("{margin}{head}")];
    let mut line = String::new();
    for item in items {
        if !line.is_empty() && margin.len() + 4 + line.len() + 1 + item.len() + 1 > WIDTH {
            lines.push(format!("{margin}    {line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += item;
        line.push(',');
    }
    lines.push(format!("{margin}    {line}"));
    lines.push(format!("{margin}{tail}"));
    lines.join("\n")
}

/// The name of a class: `wide_resnet` is `WideResnet`.
pub(super) fn class(name: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    let joined: String = name.split('_').map(capital).collect();
    let is_taken = ["Loss", "Path", "F", "DTYPE", "WEIGHTS"].contains(&joined.as_str());
    if is_taken || joined.is_empty() || joined.starts_with(|c: char| c.is_ascii_digit()) {
        format!("Net{joined}")
    } else {
        joined
    }
}
