//! The value every stage reports problems with.

use super::{Code, Span};

/// Whether a diagnostic stops the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The command goes on.
    Warning,
    /// The command stops.
    Error,
}

/// One place that takes part in a problem, with what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What was found there: `found an input of shape [n, 16, 5, 5]`.
    pub text: String,
}

/// One edit that repairs a problem, as an editor offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as the help says it.
    pub title: String,
    /// What it replaces; empty where something is inserted.
    pub span: Span,
    /// What it puts there.
    pub text: String,
}

/// One problem in the five parts of a good message: what, found, expected, where, how to fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code, explained by `specc explain`.
    pub code: Code,
    /// What is wrong; lower case, names in backticks, at most 72 characters, no full stop.
    pub title: String,
    /// Where: the first label is the primary one. Empty for problems outside `.net` files.
    pub labels: Vec<Label>,
    /// Lines below the snippet: `expected: rank 2, [n, features] (linear, C1)`.
    pub notes: Vec<String>,
    /// How to fix: the exact edit or the nearest known name.
    pub help: Vec<String>,
    /// Those ways to fix it that are one edit of the text.
    pub fixes: Box<[Fix]>,
}

impl Diagnostic {
    /// A problem without labels yet.
    pub fn new(code: Code, title: impl Into<String>) -> Self {
        Self {
            code,
            title: title.into(),
            labels: vec![],
            notes: vec![],
            help: vec![],
            fixes: Box::default(),
        }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds `expected: …`.
    #[must_use]
    pub fn expected(self, text: impl AsRef<str>) -> Self {
        self.note(format!("expected: {}", text.as_ref()))
    }

    /// Adds a line below the snippet.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a way to fix it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds a way to fix it that is one edit: `text` in place of what stands at `span`.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        let title = title.into();
        let mut fixes = std::mem::take(&mut self.fixes).into_vec();
        fixes.push(Fix { title: title.clone(), span, text: text.into() });
        self.fixes = fixes.into();
        self.help(title)
    }

    /// Adds the way to fix it that writes `text` in place of what stands at `span`.
    #[must_use]
    pub fn write(self, span: Span, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        self.fix(format!("write `{text}`"), span, text)
    }

    /// Error or warning, by the code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Several problems of one run, in source order.
pub type Diagnostics = Vec<Diagnostic>;

/// Library errors that know how to tell themselves to a user.
pub trait ToDiagnostic {
    /// The error as a user reads it.
    fn to_diagnostic(&self) -> Diagnostic;
}

/// The known name closest to `name`, if one is close enough to be a likely typo.
///
/// Distance is Damerau-Levenshtein on characters; at most a third of the length (at least one) may differ.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitute.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_pair_is_one_edit() {
        assert_eq!(nearest("lniear", ["linear", "relu"]), Some("linear"));
        assert_eq!(nearest("xyz", ["linear", "relu"]), None);
    }
}
