//! Verdicts on claims, and how they end a command.

use super::outcome::Outcome;
use super::streams::Terminal;
use crate::store::StoreError;
use crate::study::{Judged, Verdict, verdicts_text};

/// Shows verdicts where they are wanted as text; 0 where all claims hold, or are open and may be.
pub(crate) fn conclude(
    judged: Result<Vec<Judged>, StoreError>,
    allow_open: bool,
    show: bool,
    terminal: &mut Terminal,
) -> (Outcome, Vec<Judged>) {
    match judged {
        Ok(judged) => {
            if show && !judged.is_empty() {
                terminal.print(verdicts_text(&judged));
            }
            let passes = |claim: &Judged| match claim.verdict {
                Verdict::Holds => true,
                Verdict::Open => allow_open,
                Verdict::Refuted => false,
            };
            let all_pass = judged.iter().all(passes);
            (if all_pass { Outcome::Ok } else { Outcome::Unproven }, judged)
        }
        Err(error) => {
            terminal.report_error(&error);
            (Outcome::of_error(&error), vec![])
        }
    }
}
