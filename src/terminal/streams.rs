//! Where output goes: results to stdout, everything else to stderr; colours and width.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::environment;
use super::outcome::Outcome;
use crate::diag::{self, Diagnostic, RenderStyle, Severity, SourceMap, ToDiagnostic, render};
#[cfg(feature = "exec")]
use crate::experiment::ExperimentError;
#[cfg(feature = "exec")]
use crate::study::QueryError;

/// Seconds between plain lines on a run that nobody watches.
#[cfg(feature = "exec")]
pub(crate) const LINE_SECONDS: f64 = 10.0;

/// A line on stderr; when nobody reads it any more, it is lost.
pub(crate) fn say(text: &str) {
    // There is no other place to tell that stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A bar on stderr that is drawn at most eight times a second.
pub(crate) fn bar(len: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(8));
    bar.set_style(style.progress_chars("=> "));
    bar
}

/// Shows something on stderr where a bar may be drawn.
pub(crate) fn beside<T>(bar: Option<&ProgressBar>, show: impl FnOnce() -> T) -> T {
    match bar {
        Some(bar) => bar.suspend(show),
        None => show(),
    }
}

/// Stdout and stderr of the process.
#[derive(Debug)]
pub(crate) struct Terminal {
    out: io::BufWriter<io::Stdout>,
    color: bool,
    /// Why output ended early; a reader that is gone is no failure.
    lost: Option<io::Error>,
    quiet: bool,
    reported: Vec<serde_json::Value>,
}

#[cfg_attr(not(feature = "exec"), expect(dead_code, reason = "only runs are quiet and retold"))]
impl Terminal {
    /// With colours or without; where nothing is said, on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn new(color: Option<bool>) -> Self {
        let usual = || io::stderr().is_terminal() && !environment::no_color();
        let color = color.unwrap_or_else(usual);
        Self {
            out: io::BufWriter::new(io::stdout()),
            color,
            lost: None,
            quiet: false,
            reported: vec![],
        }
    }

    /// From now on only errors reach stderr (`-q`).
    pub(crate) fn be_quiet(&mut self) {
        self.quiet = true;
    }

    /// Whether only errors reach stderr.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Everything reported so far, as JSON.
    pub(crate) fn reported(&self) -> &[serde_json::Value] {
        &self.reported
    }

    /// Columns to fit into.
    pub(crate) fn width() -> usize {
        environment::columns()
            .or_else(|| {
                let (_rows, columns) = console::Term::stderr().size_checked()?;
                Some(usize::from(columns))
            })
            .unwrap_or(100)
            .clamp(40, 200)
    }

    /// Whether someone watches stderr, so that a progress bar makes sense.
    pub(crate) fn is_watched() -> bool {
        io::stderr().is_terminal()
    }

    /// Writes a result and a newline. What cannot be written is lost; [`Terminal::conclude`] says so.
    pub(crate) fn print(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.lost.is_some() {
            return;
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { self.out.write_all(b"\n") });
        self.lost = written.err();
    }

    /// Sends everything on its way.
    pub(crate) fn flush(&mut self) {
        if self.lost.is_none() {
            self.lost = self.out.flush().err();
        }
    }

    /// Stdout, for commands that write pieces.
    pub(crate) fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// A line on stderr.
    pub(crate) fn note(&mut self, text: impl AsRef<str>) {
        self.flush();
        say(text.as_ref());
    }

    /// What is wrong with the arguments, and the form they take.
    pub(crate) fn report_usage(&mut self, message: &str, form: &str) {
        self.note(format!("error: {message}\n\nusage: {form}"));
        self.reported.push(usage_problem(message));
    }

    /// A line on stderr that nobody needs to see, such as progress.
    pub(crate) fn tell(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            self.note(text);
        }
    }

    /// How diagnostics are drawn.
    pub(crate) fn style(&self) -> RenderStyle {
        RenderStyle { color: self.color, width: Self::width() }
    }

    /// Shows diagnostics, then how many there were.
    pub(crate) fn report(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        let style = self.style();
        self.reported.extend(diagnostics.iter().map(|d| diag::json(d, sources)));
        for diagnostic in diagnostics {
            if self.quiet && diagnostic.severity() == Severity::Warning {
                continue;
            }
            self.note(format!("{}\n", render(diagnostic, sources, style)));
        }
        let errors = diagnostics.iter().filter(|d| d.severity() == Severity::Error).count();
        if errors > 0 {
            let first = diagnostics.iter().find(|d| d.severity() == Severity::Error);
            let code = first.map_or("", |d| d.code.id());
            let count = if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
            self.note(format!("{count}; `specc explain {code}` tells more"));
        }
    }

    /// Shows one error that has no place in a spec.
    pub(crate) fn report_error(&mut self, error: &dyn ToDiagnostic) {
        self.report(&[error.to_diagnostic()], &SourceMap::new());
    }

    /// What a step gave; its error is shown, and ends the command.
    #[cfg(feature = "exec")]
    pub(crate) fn sound<T>(&mut self, made: Result<T, impl ToDiagnostic>) -> Result<T, Outcome> {
        made.map_err(|error| {
            self.report_error(&error);
            Outcome::of_error(&error)
        })
    }

    /// Shows why an experiment cannot run or go on; the exit code that this asks for.
    #[cfg(feature = "exec")]
    pub(crate) fn refuse(&mut self, error: &ExperimentError, sources: &SourceMap) -> Outcome {
        self.report(&error.diagnostics(), sources);
        error.fault().map_or(Outcome::Failed, Outcome::from)
    }

    /// Says why a question about runs has no answer, with the form that its arguments take.
    #[cfg(feature = "exec")]
    pub(crate) fn unanswered(&mut self, error: &QueryError, form: &str) -> Outcome {
        match error {
            QueryError::Usage(message) => {
                self.report_usage(message, form);
                Outcome::Usage
            }
            QueryError::Store(error) => {
                self.report_error(error);
                Outcome::of_error(error)
            }
        }
    }

    /// Shows an error of the process itself; a closed pipe is no error.
    pub(crate) fn failure(&mut self, error: &anyhow::Error) -> Outcome {
        if is_closed_pipe(error) {
            self.lost = Some(io::ErrorKind::BrokenPipe.into());
            return Outcome::Ok;
        }
        self.note(format!("error: {error:#}"));
        Outcome::Failed
    }

    /// Sends everything on its way; a command whose results did not arrive has failed, unless nobody reads them.
    pub(crate) fn conclude(&mut self, outcome: Outcome) -> Outcome {
        self.flush();
        match &self.lost {
            Some(error) if outcome == Outcome::Ok && error.kind() != io::ErrorKind::BrokenPipe => {
                say(&format!("error: cannot write to standard output: {error}"));
                Outcome::Failed
            }
            Some(_) | None => outcome,
        }
    }
}

/// A command line that cannot be understood, as one entry of `diagnostics`.
pub(crate) fn usage_problem(message: &str) -> serde_json::Value {
    serde_json::json!({
        "code": null,
        "severity": "error",
        "message": message,
        "file": null,
        "line": null,
        "column": null,
        "help": "`specc help` lists the commands, `specc help COMMAND` the options of one",
        "labels": [],
        "notes": [],
    })
}

/// Writing to a closed pipe ends a command quietly.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
