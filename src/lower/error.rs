//! What a user reads when a program cannot go on.

use super::{ExecError, Fits};
use crate::diag::{Code, Diagnostic, ToDiagnostic};

impl ToDiagnostic for ExecError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::NotFinite { what, layer: _, origin } => {
                let diagnostic = Diagnostic::new(
                    Code::E0713,
                    format!("training diverged: {what} is not finite"),
                );
                let diagnostic = match origin {
                    Some(span) => diagnostic
                        .label(*span, format!("{what} is the first value that is not finite")),
                    None => diagnostic,
                };
                diagnostic.help("lower `lr`, or check the scale of the inputs with `normalize`")
            }
            Self::Device { message } => Diagnostic::new(Code::E0714, "the device failed")
                .note(format!("it said: {message}"))
                .help("use a smaller `batch`, another `--device`, or fewer `--threads`"),
            Self::Memory { needed, free, fits } => {
                let share = *free as f64 / (*needed).max(1) as f64 * 100.0;
                let (expected, help) = match fits {
                    Some(Fits::Runs(runs)) => (
                        format!("at most {runs} runs at once"),
                        format!("use `--jobs {runs}`, a smaller `batch`, or another `--device`"),
                    ),
                    Some(Fits::Batch(batch)) => (
                        format!("batches of about {batch} samples"),
                        "use a smaller `batch`, or another `--device`".to_owned(),
                    ),
                    None => (
                        format!("at most {share:.0} % of the samples and runs at once"),
                        "use a smaller `batch`, fewer `--jobs`, or another `--device`".to_owned(),
                    ),
                };
                Diagnostic::new(Code::E0506, "the memory of the GPU does not suffice")
                    .note(format!("found: {} MiB free of {} MiB needed", free >> 20, needed >> 20))
                    .expected(expected)
                    .help(help)
            }
            Self::Shape { name, found, expected } => {
                Diagnostic::new(Code::E0712, format!("`{name}` has another shape in the file"))
                    .note(format!("found: shape {}", shape_text(found)))
                    .expected(format!("shape {}, as in the net", shape_text(expected)))
                    .help("give a file written for this net, or change the layer")
            }
        }
    }
}

/// A shape as users write it: `[100, 64]`.
pub fn shape_text(shape: &[usize]) -> String {
    let words: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", words.join(", "))
}
