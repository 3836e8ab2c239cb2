//! The table as pages for `specc explain`.

use std::fmt::Write as _;

use super::{CallRow, Group, ParamRow, Range};

/// What `specc explain conv` prints: every call of that name, with its arguments.
pub fn page(name: &str) -> Option<String> {
    let pages: Vec<String> = Group::ALL
        .into_iter()
        .filter_map(|group| group.row(name).map(|row| row_page(group, row)))
        .collect();
    (!pages.is_empty()).then(|| pages.join("\n"))
}

/// The page of one call of a group.
pub fn row_page(group: Group, row: &CallRow) -> String {
    let mut page = format!("# `{}`: {}\n\n{}\n\n", row.name, group.noun(), row.doc);
    let _ = writeln!(page, "    {}", row.signature());
    if !row.params.is_empty() {
        page.push('\n');
    }
    for param in row.params {
        let _ = writeln!(page, "- {}", param_line(param));
    }
    page
}

/// A parameter in one line: what it does, its values and their range.
pub fn param_line(param: &ParamRow) -> String {
    let range = if param.range == Range::Any {
        String::new()
    } else {
        format!(", {}", param.range.words())
    };
    format!("`{}`: {} ({}{range})", param.name, param.doc, param.ty.words())
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_page_names_every_argument() {
        let text = page("two_scale").unwrap();
        for name in ["delta", "r1", "r2", "lambda", "base", "size", "divisor", "scale_lr", "on"] {
            assert!(text.contains(&format!("- `{name}`")), "{text}");
        }
        assert_eq!(page("nothing"), None);
    }
}
